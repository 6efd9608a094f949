#pragma once
// What a training run tells about itself (keys: head_training.h).
#include <string>
#include <vector>

#include "train/rows.h"

namespace molrt {

// `folds` and `fits` of each member; the result with all but its report.
std::string training_report(const HeadTrainingData& data, const Settings& settings,
                            const UsedRows& rows, std::span<const Fold* const> folds,
                            std::span<const FoldFit* const> fits, const HeadTrainingResult& result);

}  // namespace molrt
