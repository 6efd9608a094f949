#include "pretrain/losses.h"

#include <algorithm>
#include <limits>

namespace molrt {

PretrainSums& PretrainSums::operator+=(const PretrainSums& other) {
  for (size_t i = 0; i < pretrain_losses; ++i) {
    sum[i] += other.sum[i];
    count[i] += other.count[i];
  }
  correct += other.correct;
  coordinate_error += other.coordinate_error;
  distance_error += other.distance_error;
  return *this;
}

double PretrainSums::mean(PretrainLoss loss) const {
  const auto i = static_cast<size_t>(loss);
  return count[i] > 0 ? sum[i] / count[i] : std::numeric_limits<double>::quiet_NaN();
}

double PretrainSums::total(const LossWeights& weights) const {
  double total = 0;
  for (size_t i = 0; i < pretrain_losses; ++i)
    if (count[i] > 0) total += weights[i] * sum[i] / count[i];
  return total;
}

NormLoss norm_loss(double squares, int dimension) {
  const double norm = std::sqrt(squares), off = norm - std::sqrt(double(dimension));
  const double loss = std::max(std::fabs(off) - 1, 0.);
  return {loss, loss > 0 && norm > 0 ? std::copysign(1., off) / norm : 0};
}

TokenLoss token_loss(const float* logits, int classes, int32_t target, double factor,
                     float* d_logits) {
  const float* largest = std::max_element(logits, logits + classes);
  double sum = 0;
  for (int k = 0; k < classes; ++k) sum += std::exp(double{logits[k]} - *largest);
  for (int k = 0; k < classes; ++k) {
    const double probability = std::exp(double{logits[k]} - *largest) / sum;
    d_logits[k] = static_cast<float>(factor * (probability - (k == target)));
  }
  return {std::log(sum) + *largest - logits[target], largest - logits == target};
}

}  // namespace molrt
