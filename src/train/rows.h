#pragma once
// Which rows can be trained on, and the folds made of them.
#include <functional>

#include "train/fold.h"

namespace molrt {

struct UsedRows {
  std::vector<size_t> used;  // ascending
  size_t without_target = 0, failed = 0, outside_split = 0;
};

// usable(row): whether the molecule can be read. DATA errors name the row and target of a value
// that nothing can be learnt from.
UsedRows find_used_rows(const HeadTrainingData& data, const std::function<bool(size_t)>& usable);

// One for each fold of the plan. DATA errors as make_fold(), and where nothing is held out to stop
// by, or a fold's training rows have no weight.
std::vector<Fold> make_folds(const HeadTrainingData& data, const HeadSettings& settings,
                             const SplitPlan& plan);

}  // namespace molrt
