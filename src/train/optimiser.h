#pragma once
// Adam, its learning rate and the clipping of its gradients (spec: model.md section 4).
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "kernels/adam.h"
#include "train/method.h"
#include "train/trained_tensor.h"

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
// The same bytes whatever the threads.
double clip_gradients(std::span<const TrainedTensor> tensors, double limit, int threads);

// What the methods of regularisation do within a step.
struct StepHooks {
  std::span<const std::unique_ptr<Method>> methods = {};
  PhiloxKey key{};  // of the step
};

// torch.optim.Adam, w -= rate * m_hat / (sqrt(v_hat) + eps), and then the tensors' decay.
class Adam {
 public:
  // Of tensors of these sizes, which come in this order at every step.
  Adam(double beta1, double beta2, double eps, std::span<const TrainedTensor> tensors);
  void step(std::span<const TrainedTensor> tensors, double rate, int threads,
            const StepHooks& hooks = {});

  struct Moments {
    std::vector<float> mean, square;
  };
  // What it remembers: to be kept, and put back.
  std::vector<Moments>& moments() { return moments_; }
  void set_steps(uint64_t steps) { steps_ = steps; }

 private:
  AdamFactors factors(double rate) const;  // of the step now
  struct Part {
    const TrainedTensor& tensor;
    uint32_t number;
    size_t first, count;
    double rate;
  };
  void adam(const Part& part, Moments& moments, const StepHooks& hooks) const;
  void update(const Part& part, Moments& moments, const StepHooks& hooks) const;
  void decay(const Part& part) const;
  void decay_by_factors(const Part& part, const StepHooks& hooks) const;
  double beta1_, beta2_, eps_;
  uint64_t steps_ = 0;
  std::vector<Moments> moments_;
  std::vector<uint32_t> numbers_;  // tensor_number() of each
};

}  // namespace molrt
