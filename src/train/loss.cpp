#include "train/loss.h"

#include <algorithm>
#include <cmath>

namespace molrt {
namespace {

struct Point {
  double value, derivative;
};

Point squared(double residual) { return {residual * residual, 2 * residual}; }

Point absolute(double residual) {
  return {std::abs(residual), static_cast<double>((residual > 0) - (residual < 0))};
}

// Quadratic to delta, then linear: as torch's HuberLoss.
Point huber(double residual, double delta) {
  if (std::abs(residual) <= delta) return {.5 * residual * residual, residual};
  return {delta * (std::abs(residual) - .5 * delta), std::copysign(delta, residual)};
}

Point evaluate(const Loss& loss, double residual) {
  if (loss.kind == LossKind::mae) return absolute(residual);
  if (loss.kind == LossKind::huber) return huber(residual, loss.huber_delta);
  return squared(residual);
}

}  // namespace

size_t count_labels(const float* targets, size_t count) {
  return static_cast<size_t>(
      std::count_if(targets, targets + count, [](float y) { return !std::isnan(y); }));
}

LossSum evaluate_loss(const Loss& loss, const float* predictions, const float* targets,
                      size_t count, float* d_predictions, size_t labels) {
  LossSum result;
  result.labels = count_labels(targets, count);
  const auto mean_over = static_cast<double>(labels == 0 ? result.labels : labels);
  for (size_t i = 0; i < count; ++i) {
    const bool labelled = !std::isnan(targets[i]);
    const Point point =
        labelled ? evaluate(loss, double{predictions[i]} - double{targets[i]}) : Point{0, 0};
    result.sum += point.value;
    if (d_predictions != nullptr)
      d_predictions[i] = labelled ? static_cast<float>(point.derivative / mean_over) : 0;
  }
  return result;
}

}  // namespace molrt
