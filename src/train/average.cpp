#include "train/average.h"

#include <algorithm>

#include "base/parallel.h"

namespace molrt {

TensorValues copy_values(std::span<const TrainedTensor> tensors) {
  TensorValues values;
  for (const TrainedTensor& t : tensors) values.emplace_back(t.value.begin(), t.value.end());
  return values;
}

void put_values(const TensorValues& values, std::span<const TrainedTensor> tensors) {
  for (size_t i = 0; i < tensors.size(); ++i)
    std::copy(values[i].begin(), values[i].end(), tensors[i].value.begin());
}

Average::Average(double beta, std::span<const TrainedTensor> tensors) : beta_(beta) {
  if (on()) values_ = copy_values(tensors);
}

void Average::update(std::span<const TrainedTensor> tensors, uint64_t step, int threads) {
  const auto t = static_cast<double>(step);
  const auto change = static_cast<float>(1 - std::min(beta_, (1 + t) / (10 + t)));
  parallel_for(threads, values_.size(), [&](size_t i, int) {
    for (size_t k = 0; k < values_[i].size(); ++k)
      values_[i][k] += change * (tensors[i].value[k] - values_[i][k]);
  });
}

void Average::exchange(std::span<const TrainedTensor> tensors) {
  for (size_t i = 0; i < values_.size(); ++i)
    std::swap_ranges(values_[i].begin(), values_[i].end(), tensors[i].value.begin());
}

}  // namespace molrt
