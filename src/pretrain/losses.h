#pragma once
// The losses of pre-training and their derivatives (spec: model.md section 5).
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace molrt {

enum class PretrainLoss { token, coordinate, distance, norm, pair_norm, supervised };
inline constexpr std::array pretrain_loss_names = {"token", "coordinate", "distance",
                                                   "norm",  "pair_norm",  "supervised"};
constexpr size_t pretrain_losses = pretrain_loss_names.size();
using LossWeights = std::array<double, pretrain_losses>;

// The distances of the recipe's molecules, Angstrom: targets are (d - mean) / deviation.
constexpr double distance_mean = 6.312581655060595;
constexpr double distance_deviation = 3.3899264663911888;

// Sums over what each loss is a mean of, and how much of that there is.
struct PretrainSums {
  std::array<double, pretrain_losses> sum{};
  std::array<double, pretrain_losses> count{};
  double correct = 0;           // of the chosen atoms, those whose element was found
  double coordinate_error = 0;  // sum of |error|, Angstrom, as many as the coordinate loss counts
  double distance_error = 0;    // likewise, of the distances

  PretrainSums& operator+=(const PretrainSums& other);
  void add(PretrainLoss loss, double value, double weight = 1) {
    sum[static_cast<size_t>(loss)] += value;
    count[static_cast<size_t>(loss)] += weight;
  }
  double mean(PretrainLoss loss) const;            // NaN if there is nothing to mean
  double total(const LossWeights& weights) const;  // of those that there are
};

// Smooth L1 with beta 1, and its derivative.
inline double smooth_l1(double error) {
  const double size = std::fabs(error);
  return size < 1 ? .5 * error * error : size - .5;
}
inline double smooth_l1_slope(double error) {
  return std::fabs(error) < 1 ? error : std::copysign(1., error);
}

// relu(|norm - sqrt(dimension)| - 1), and what its derivative by the vector is times the vector.
struct NormLoss {
  double loss, factor;
};
NormLoss norm_loss(double squares, int dimension);

// -log softmax(logits [classes])[target]; d_logits = factor times the derivative. Returns the loss
// and whether the target was the likeliest.
struct TokenLoss {
  double loss;
  bool correct;
};
TokenLoss token_loss(const float* logits, int classes, int32_t target, double factor,
                     float* d_logits);

}  // namespace molrt
