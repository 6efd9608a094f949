#include "train/attribution_target.h"

#include <algorithm>
#include <cmath>

#include "train/loss.h"

namespace molrt {

// Of a softmax the largest logit; else each output's sign, which is 1 at 0.
void OutputTarget::settle(std::span<const float> outputs) {
  predicted_.assign(outputs.size(), 0.f);
  const size_t width = fold_.outputs();
  for (size_t first = 0; first < outputs.size(); first += width) {
    const auto own = outputs.subspan(first, width);
    if (softmax()) {
      predicted_[first + static_cast<size_t>(std::ranges::max_element(own) - own.begin())] = 1;
      continue;
    }
    const bool signs =
        target_ == AttributionTarget::deviation || target_ == AttributionTarget::pseudo;
    for (size_t k = 0; k < width; ++k) predicted_[first + k] = signs && own[k] < 0 ? -1.f : 1.f;
  }
}

void OutputTarget::gradient(std::span<const size_t> rows, std::span<const float> outputs,
                            std::span<float> d) {
  if (target_ == AttributionTarget::gold) return of_gold(rows, outputs, d);
  if (predicted_.empty()) settle(outputs);
  if (target_ == AttributionTarget::pseudo) return of_pseudo(outputs, d);
  std::ranges::copy(predicted_, d.begin());
}

// Minus the squared errors' sum whatever the loss; of classes the log of the label's probability.
void OutputTarget::of_gold(std::span<const size_t> rows, std::span<const float> outputs,
                           std::span<float> d) {
  const size_t targets = fold_.targets();
  std::vector<float> labels;
  for (const size_t row : rows)
    for (size_t k = 0; k < targets; ++k) labels.push_back(scaled_target(fold_, row, k));
  Loss loss;
  loss.kind = usual_loss(fold_.plan.task);
  loss.softmax = softmax();
  const LossBatch batch{rows.size(),    fold_.outputs(), targets,
                        outputs.data(), labels.data(),   nullptr};
  evaluate_loss(loss, batch, d.data(), 1);
  for (float& x : d) x = -x;
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
