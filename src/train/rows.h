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
// that the task cannot learn from.
UsedRows find_used_rows(const HeadTrainingData& data, Task task,
                        const std::function<bool(size_t)>& usable);

// Before there are molecules: the errors that any split of the rows, or of fewer, would have.
void check_labels(const HeadTrainingData& data, const HeadSettings& settings);

// DATA errors where a fold holds nothing out to stop by, or its training rows have no weight.
void check_training_side(const HeadTrainingData& data, const HeadSettings& settings,
                         const SplitPlan& plan);

}  // namespace molrt
