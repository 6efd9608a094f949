#include "train/held_out.h"

#include <limits>

namespace molrt {
namespace {

// Sums over the members of one split, which share their scalers.
struct Sums {
  std::vector<double> scaled;  // [rows, targets]
  std::vector<const Fold*> fold;
  std::vector<int> count;  // [rows]
};

Sums add_up(const HeadTrainingData& data, std::span<const Fold* const> folds,
            std::span<const FoldFit* const> fits) {
  const auto targets = static_cast<size_t>(data.targets);
  Sums sums{std::vector<double>(data.rows * targets), std::vector<const Fold*>(data.rows),
            std::vector<int>(data.rows)};
  for (size_t m = 0; m < folds.size(); ++m)
    for (size_t i = 0; i < folds[m]->split.held_out.size(); ++i) {
      const size_t row = folds[m]->split.held_out[i];
      for (size_t t = 0; t < targets; ++t)
        sums.scaled[row * targets + t] += fits[m]->held_out[i * targets + t];
      sums.fold[row] = folds[m];
      ++sums.count[row];
    }
  return sums;
}

}  // namespace

std::vector<float> held_out_predictions(const HeadTrainingData& data,
                                        std::span<const Fold* const> folds,
                                        std::span<const FoldFit* const> fits) {
  const auto targets = static_cast<size_t>(data.targets);
  const Sums sums = add_up(data, folds, fits);
  std::vector<float> predictions(data.rows * targets, std::numeric_limits<float>::quiet_NaN());
  for (size_t row = 0; row < data.rows; ++row)
    for (size_t t = 0; sums.count[row] > 0 && t < targets; ++t)
      predictions[row * targets + t] = static_cast<float>(
          sums.fold[row]->scalers[t].inverse(sums.scaled[row * targets + t] / sums.count[row]));
  return predictions;
}

}  // namespace molrt
