#pragma once
// Which rows are held out, and the order in which an epoch sees the others.
#include <cstddef>
#include <cstdint>
#include <vector>

namespace molrt {

struct Split {
  std::vector<size_t> train, held_out;  // both ascending
};

// folds >= 2: k-fold cross-validation as scikit-learn's KFold(shuffle=True): shuffled, then cut
// into parts whose sizes differ by one at most. folds = 1: one split that holds out valid_fraction
// of the rows (rounded, but one at least and never all; 0: none). DATA error with fewer rows than
// folds.
std::vector<Split> random_splits(const std::vector<size_t>& rows, int folds, double valid_fraction,
                                 uint64_t seed);

// The rows in the order of epoch `epoch` (from 0) of fold `fold`.
std::vector<size_t> epoch_order(std::vector<size_t> rows, uint64_t seed, uint32_t epoch,
                                uint32_t fold);

}  // namespace molrt
