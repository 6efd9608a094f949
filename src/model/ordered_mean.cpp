#include "model/ordered_mean.h"

namespace molrt {

void OrderedMean::take(std::vector<double> values) {
  if (values.empty()) return;
  if (taken_++ == 0) {
    sum_ = std::move(values);  // bit for bit, minus zero too
    return;
  }
  for (size_t i = 0; i < values.size(); ++i) sum_[i] += values[i];
}

bool OrderedMean::add(size_t place, std::vector<double> values) {
  const std::lock_guard lock(mutex_);
  if (place >= next_) early_.emplace(place, std::move(values));
  for (auto it = early_.find(next_); it != early_.end(); it = early_.find(++next_)) {
    take(std::move(it->second));
    early_.erase(it);
  }
  return next_ == conformers_ && !released_;
}

std::vector<double> OrderedMean::mean() const {
  std::vector<double> mean = sum_;
  for (double& value : mean) value /= static_cast<double>(taken_);
  return mean;
}

void OrderedMean::release() {
  released_ = true;
  sum_ = {};
}

}  // namespace molrt
