#pragma once
// What a training run tells about itself (keys: head_training.h).
#include <string>
#include <vector>

#include "train/rows.h"

namespace molrt {

// Those whose predictions the report looks at: held out, or where a fold holds nothing out the
// training rows (for the warning of constant predictions).
const std::vector<size_t>& watched_rows(const Fold& fold);

// [rows, outputs] of NaN.
std::vector<float> no_predictions(const std::vector<Fold>& folds);

// Fills in the rest of the result. predictions [rows, outputs]: of every fold's watched rows;
// `fits` one of each fold.
void finish_result(const std::vector<Fold>& folds, const Settings& settings, const UsedRows& rows,
                   const std::vector<FoldFit>& fits, const std::vector<float>& predictions,
                   HeadTrainingResult& result);

}  // namespace molrt
