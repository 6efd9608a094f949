#pragma once
// Regression losses with missing labels: the mean over the valid labels of the whole batch
// (spec: regularisers.md 0a, Means).
#include <cstddef>

namespace molrt {

enum class LossKind { mse, mae, huber };

struct Loss {
  LossKind kind = LossKind::mse;
  double huber_delta = 1;
};

struct LossSum {
  double sum = 0;  // over the valid labels
  size_t labels = 0;
  double mean() const { return labels == 0 ? 0 : sum / static_cast<double>(labels); }
  void add(const LossSum& other) {
    sum += other.sum;
    labels += other.labels;
  }
};

// predictions, targets [count] in scaled units, NaN where there is no label. Writes the gradient of
// the *mean* to d_predictions [count] (0 without a label) unless it is null. MAE's gradient at 0 is
// 0. `labels`: how many the mean is over, where these are a part of a batch; 0: those here.
LossSum evaluate_loss(const Loss& loss, const float* predictions, const float* targets,
                      size_t count, float* d_predictions, size_t labels = 0);

size_t count_labels(const float* targets, size_t count);

}  // namespace molrt
