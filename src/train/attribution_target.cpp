#include "train/attribution_target.h"

#include <algorithm>
#include <cmath>

namespace molrt {

void gold_gradient(Task task, bool softmax, const LossBatch& batch, float* d) {
  Loss loss;
  loss.kind = usual_loss(task);
  loss.softmax = softmax;
  evaluate_loss(loss, batch, d, 1);
  for (size_t i = 0; i < batch.rows * batch.outputs; ++i) d[i] = -d[i];
}

void mark_predicted(bool softmax, bool signs, std::span<const float> outputs, std::span<float> d) {
  std::ranges::fill(d, softmax ? 0.f : 1.f);
  if (softmax)
    d[static_cast<size_t>(std::ranges::max_element(outputs) - outputs.begin())] = 1;
  else if (signs)
    for (size_t k = 0; k < d.size(); ++k) d[k] = outputs[k] < 0 ? -1.f : 1.f;
}

void OutputTarget::settle(std::span<const float> outputs) {
  const bool signs =
      target_ == AttributionTarget::deviation || target_ == AttributionTarget::pseudo;
  predicted_.resize(outputs.size());
  const size_t width = fold_.outputs();
  for (size_t first = 0; first < outputs.size(); first += width)
    mark_predicted(softmax(), signs, outputs.subspan(first, width),
                   std::span(predicted_).subspan(first, width));
}

void OutputTarget::gradient(std::span<const size_t> rows, std::span<const float> outputs,
                            std::span<float> d) {
  if (target_ == AttributionTarget::gold) return of_gold(rows, outputs, d);
  if (predicted_.empty()) settle(outputs);
  if (target_ == AttributionTarget::pseudo) return of_pseudo(outputs, d);
  std::ranges::copy(predicted_, d.begin());
}

void OutputTarget::of_gold(std::span<const size_t> rows, std::span<const float> outputs,
                           std::span<float> d) {
  const size_t targets = fold_.targets();
  std::vector<float> labels;
  for (const size_t row : rows)
    for (size_t k = 0; k < targets; ++k) labels.push_back(scaled_target(fold_, row, k));
  gold_gradient(fold_.plan.task, softmax(),
                {rows.size(), fold_.outputs(), targets, outputs.data(), labels.data(), nullptr},
                d.data());
}

// The gradient of log p of the predicted class: by its softmax, or by sigmoid(sign z).
void OutputTarget::of_pseudo(std::span<const float> outputs, std::span<float> d) const {
  const size_t width = fold_.outputs();
  for (size_t first = 0; first < outputs.size(); first += width) {
    const auto z = outputs.subspan(first, width);
    const double largest = *std::ranges::max_element(z);
    double sum = 0;
    for (const float x : z) sum += std::exp(x - largest);
    for (size_t k = 0; k < width; ++k) {
      const double sign = predicted_[first + k];
      const double p =
          softmax() ? std::exp(z[k] - largest) / sum : 1 / (1 + std::exp(-sign * z[k]));
      d[first + k] = static_cast<float>(softmax() ? sign - p : sign * (1 - p));
    }
  }
}

}  // namespace molrt
