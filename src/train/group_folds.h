#pragma once
// Groups of rows that stay together, dealt to folds.
#include <cstddef>
#include <span>
#include <vector>

namespace molrt {

// [groups]: each one's fold, by the rule of scikit-learn's GroupKFold: the largest group first, to
// the fold that has the fewest rows. sizes [groups], in the ascending order of their names; at
// least as many as folds. Groups of the same size come in the order of numpy's quicksort on plain
// cores: numpy 1.25 and later order them otherwise where they have AVX-512, which changes no fold's
// size.
std::vector<size_t> group_k_folds(std::span<const size_t> sizes, size_t folds);

}  // namespace molrt
