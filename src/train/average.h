#pragma once
// Exponential moving average of the weights (spec: regularisers.md 0a and section 5).
#include <cstdint>
#include <span>
#include <vector>

#include "train/optimiser.h"

namespace molrt {

using TensorValues = std::vector<std::vector<float>>;  // of every tensor in training

TensorValues copy_values(std::span<const TrainedTensor> tensors);
void put_values(const TensorValues& values, std::span<const TrainedTensor> tensors);

// avg += (1 - beta) (w - avg), beta = min(ema_beta, (1 + t) / (10 + t)), t from 0.
class Average {
 public:
  Average(double beta, std::span<const TrainedTensor> tensors);  // beta 0: off
  bool on() const { return beta_ > 0; }
  void update(std::span<const TrainedTensor> tensors, uint64_t step, int threads);
  // The averages change places with the weights; a second call puts them back.
  void exchange(std::span<const TrainedTensor> tensors);
  TensorValues& values() { return values_; }  // none if off

 private:
  double beta_;
  TensorValues values_;
};

}  // namespace molrt
