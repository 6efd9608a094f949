#include "train/split.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/philox.h"

namespace molrt {
namespace {

enum Stream : uint32_t { stream_split = 0, stream_epoch = 1 };

// Fisher-Yates. The multiplication's bias, at most rows / 2^32, is harmless.
std::vector<size_t> shuffled(std::vector<size_t> rows, PhiloxKey key, Stream stream,
                             uint32_t sample) {
  const uint32_t purpose = random_purpose(Purpose::split, 0, sample);
  for (size_t i = rows.size(); i > 1; --i) {
    const uint64_t bits = random_u32(key, 0, stream, purpose, i - 1);
    std::swap(rows[i - 1], rows[bits * i >> 32]);
  }
  return rows;
}

// Holds out order[first, last).
Split hold_out(const std::vector<size_t>& order, size_t first, size_t last) {
  const auto begin = order.begin() + static_cast<std::ptrdiff_t>(first);
  const auto end = order.begin() + static_cast<std::ptrdiff_t>(last);
  Split split{{order.begin(), begin}, {begin, end}};
  split.train.insert(split.train.end(), end, order.end());
  std::sort(split.train.begin(), split.train.end());
  std::sort(split.held_out.begin(), split.held_out.end());
  return split;
}

size_t held_out_count(size_t rows, double fraction) {
  if (fraction == 0) return 0;
  const auto wanted = static_cast<size_t>(std::llround(fraction * static_cast<double>(rows)));
  return std::clamp<size_t>(wanted, 1, rows - 1);
}

void check_rows(size_t rows, size_t folds, double valid_fraction) {
  if (folds > 1 && rows < folds)
    fail(MOLRT_ERROR_DATA, "{} folds need at least {} rows with a value, found {}", folds, folds,
         rows);
  if (folds == 1 && valid_fraction > 0 && rows < 2)
    fail(MOLRT_ERROR_DATA, "holding rows out needs at least 2 rows with a value, found {}", rows);
}

}  // namespace

std::vector<Split> random_splits(const std::vector<size_t>& rows, int folds, double valid_fraction,
                                 uint64_t seed) {
  const size_t n = rows.size(), k = static_cast<size_t>(folds);
  check_rows(n, k, valid_fraction);
  const auto order = shuffled(rows, random_key(seed, 0), stream_split, 0);
  if (k == 1) return {hold_out(order, 0, held_out_count(n, valid_fraction))};
  std::vector<Split> splits;
  for (size_t fold = 0, first = 0; fold < k; ++fold) {
    const size_t last = first + n / k + (fold < n % k ? 1 : 0);
    splits.push_back(hold_out(order, first, last));
    first = last;
  }
  return splits;
}

std::vector<size_t> epoch_order(std::vector<size_t> rows, uint64_t seed, uint32_t epoch,
                                uint32_t fold) {
  return shuffled(std::move(rows), random_key(seed, epoch), stream_epoch, fold);
}

}  // namespace molrt
