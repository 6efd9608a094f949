#include "model/ordered_mean.h"

namespace molrt {

void OrderedMean::take(const std::vector<float>& values) {
  if (values.empty()) return;
  sum_.resize(values.size());  // the same for all
  for (size_t i = 0; i < values.size(); ++i) sum_[i] += values[i];
  ++taken_;
}

bool OrderedMean::add(size_t place, std::vector<float> values) {
  const std::lock_guard lock(mutex_);
  if (place >= next_) early_.emplace(place, std::move(values));
  for (auto it = early_.find(next_); it != early_.end(); it = early_.find(++next_)) {
    take(it->second);
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
