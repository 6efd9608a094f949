#pragma once
// What a training run tells about itself (keys: head_training.h).
#include <string>
#include <vector>

#include "train/rows.h"

namespace molrt {

// One of each fold, and the held-out predictions as HeadTrainingResult has them.
std::string training_report(const HeadTrainingData& data, const Settings& settings,
                            const UsedRows& rows, const std::vector<Fold>& folds,
                            const std::vector<FoldFit>& fits, const HeadTrainingResult& result);

}  // namespace molrt
