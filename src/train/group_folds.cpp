#include "train/group_folds.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace molrt {
namespace {

// Quicksort of indices as numpy's argsort does it, ties included: medians of three as pivots,
// insertion sort of short parts. No library's sort orders ties so.
class NumpyArgsort {
 public:
  explicit NumpyArgsort(std::span<const size_t> keys) : keys_(keys), order_(keys.size()) {
    std::iota(order_.begin(), order_.end(), size_t{0});
    int depth = 0;
    for (size_t n = keys.size(); n > 1; n /= 2) depth += 2;
    if (!order_.empty()) sort(0, order_.size() - 1, depth);
  }

  std::vector<size_t> take() { return std::move(order_); }

 private:
  static constexpr size_t short_part = 15;

  bool less(size_t a, size_t b) const { return keys_[order_[a]] < keys_[order_[b]]; }
  void swap(size_t a, size_t b) { std::swap(order_[a], order_[b]); }

  // Both ends belong to the part. The larger side waits, as the stack of numpy has it: the sides
  // do not touch each other, so their order does not matter here.
  void sort(size_t first, size_t last, int depth) {
    while (last - first > short_part) {
      if (depth-- < 0) return sort_with_bound(first, last);
      const size_t pivot = partition(first, last);
      sort(first, pivot - 1, depth);
      first = pivot + 1;
    }
    insertion_sort(first, last);
  }

  size_t partition(size_t first, size_t last) {
    const size_t middle = first + (last - first) / 2;
    if (less(middle, first)) swap(middle, first);
    if (less(last, middle)) swap(last, middle);
    if (less(middle, first)) swap(middle, first);
    const size_t pivot = keys_[order_[middle]];
    size_t i = first, j = last - 1;
    swap(middle, j);
    for (;;) {
      do ++i;
      while (keys_[order_[i]] < pivot);
      do --j;
      while (pivot < keys_[order_[j]]);
      if (i >= j) break;
      swap(i, j);
    }
    swap(i, last - 1);
    return i;
  }

  void insertion_sort(size_t first, size_t last) {
    for (size_t i = first + 1; i <= last; ++i)
      for (size_t j = i; j > first && less(j, j - 1); --j) swap(j, j - 1);
  }

  // Where the pivots were bad (numpy: heapsort): in time, with the ties in order.
  void sort_with_bound(size_t first, size_t last) {
    const auto begin = order_.begin();
    std::stable_sort(begin + static_cast<std::ptrdiff_t>(first),
                     begin + static_cast<std::ptrdiff_t>(last + 1),
                     [&](size_t a, size_t b) { return keys_[a] < keys_[b]; });
  }

  std::span<const size_t> keys_;
  std::vector<size_t> order_;
};

}  // namespace

std::vector<size_t> group_k_folds(std::span<const size_t> sizes, size_t folds) {
  std::vector<size_t> order = NumpyArgsort(sizes).take();
  std::reverse(order.begin(), order.end());
  std::vector<size_t> rows(folds, 0), fold_of(sizes.size());
  for (const size_t group : order) {
    const auto lightest = std::min_element(rows.begin(), rows.end());
    *lightest += sizes[group];
    fold_of[group] = static_cast<size_t>(lightest - rows.begin());
  }
  return fold_of;
}

}  // namespace molrt
