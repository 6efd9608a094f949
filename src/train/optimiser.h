#pragma once
// Adam, its learning rate and the clipping of its gradients (spec: model.md section 4).
#include <cstdint>
#include <span>
#include <vector>

#include "kernels/adam.h"

namespace molrt {

// Steps of a run: full batches only, unless there are fewer rows than a batch has.
struct StepPlan {
  size_t batch_size;  // rows of each batch
  size_t batches;     // in an epoch
  uint64_t total;
  uint64_t warmup;
};
StepPlan plan_steps(size_t rows, size_t batch_size, size_t epochs, double warmup);

// Step t, from 0: peak * t / warmup, then peak * (total - t) / (total - warmup).
double learning_rate(double peak, uint64_t step, const StepPlan& plan);

// Scales the gradients down to norm `limit` (0: leaves them) and returns the norm that they had.
double clip_gradients(std::span<const std::span<float>> gradients, double limit);

// torch.optim.Adam without decay: w -= rate * m_hat / (sqrt(v_hat) + eps).
class Adam {
 public:
  Adam(double beta1, double beta2, double eps) : beta1_(beta1), beta2_(beta2), eps_(eps) {}
  // The same tensors, in the same order, at every call.
  void step(std::span<const std::span<float>> parameters,
            std::span<const std::span<float>> gradients, double rate);

 private:
  struct Moments {
    std::vector<float> mean, square;
  };
  AdamFactors factors(double rate) const;  // of the step now
  double beta1_, beta2_, eps_;
  uint64_t steps_ = 0;
  std::vector<Moments> moments_;
};

}  // namespace molrt
