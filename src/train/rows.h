#pragma once
// Which rows can be trained on, and the folds made of them.
#include <functional>

#include "train/fold.h"

namespace molrt {

struct UsedRows {
  std::vector<size_t> used;  // ascending
  size_t without_target = 0, failed = 0;
};

// usable(row): whether the molecule can be read. DATA errors name the row and target of a value
// that the task cannot learn from.
UsedRows find_used_rows(const HeadTrainingData& data, Task task,
                        const std::function<bool(size_t)>& usable);

std::vector<Split> make_splits(const HeadSettings& settings, const std::vector<size_t>& rows);

}  // namespace molrt
