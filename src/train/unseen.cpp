#include "train/unseen.h"

#include <limits>

namespace molrt {

UnseenPredictions::UnseenPredictions(const HeadTrainingData& data)
    : targets_(static_cast<size_t>(data.targets)),
      values_(data.rows * targets_, std::numeric_limits<float>::quiet_NaN()) {}

void UnseenPredictions::add(const Fold& fold, const Predict& predict) {
  const std::vector<size_t>& rows = fold.split.held_out;
  const std::vector<float> scaled = rows.empty() ? std::vector<float>() : predict(rows);
  for (size_t i = 0; i < scaled.size(); ++i)
    values_[rows[i / targets_] * targets_ + i % targets_] =
        static_cast<float>(fold.scalers[i % targets_].inverse(scaled[i]));
  members_.push_back(
      {&fold, fold.split.test.empty() ? std::vector<float>() : predict(fold.split.test)});
}

// As Model::finish() has it.
double UnseenPredictions::mean_of_members(size_t item) const {
  const size_t target = item % targets_;
  const TargetScaler& scaler = members_[0].fold->scalers[target];
  double scaled = 0, values = 0;
  bool same = true;
  for (const Member& member : members_) {
    const TargetScaler& own = member.fold->scalers[target];
    same = same && own == scaler;
    scaled += member.test[item];
    values += own.inverse(member.test[item]);
  }
  const auto count = static_cast<double>(members_.size());
  return same ? scaler.inverse(scaled / count) : values / count;
}

std::vector<float> UnseenPredictions::take() {
  const std::vector<size_t>& rows = members_[0].fold->split.test;
  for (size_t i = 0; i < rows.size() * targets_; ++i)
    values_[rows[i / targets_] * targets_ + i % targets_] = static_cast<float>(mean_of_members(i));
  return std::move(values_);
}

}  // namespace molrt
