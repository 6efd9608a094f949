#pragma once
// The head's part of a training step, one pass or several (train/method.h, HeadPlan): outputs, loss
// and the way back to the head's inputs.
#include "train/fold.h"

namespace molrt {

class HeadStep {
 public:
  explicit HeadStep(const Fold& fold);

  // inputs [items, head_width] -> the loss; adds to `gradient`; d_inputs, as inputs, or empty: not
  // wanted. `weight`: of the whole batch, see fold_weight().
  LossSum run(const Head& head, std::span<const RowConformer> items, std::span<const float> inputs,
              uint32_t step, double weight, Head& gradient, std::span<float> d_inputs);

 private:
  size_t passes() const { return plan_.rates.size(); }
  HeadDropout dropout(size_t pass, uint32_t step) const;
  void backward(const Head& head, size_t pass, uint32_t step, Head& gradient,
                std::span<float> d_inputs) const;
  void mean_backward(const Head& head, uint32_t step, Head& gradient, std::span<float> d_inputs);
  LossSum loss(const std::vector<size_t>& rows, double weight);
  LossSum loss_of_mean(const std::vector<size_t>& rows, double weight);

  const Fold& fold_;
  HeadPlan plan_;
  std::vector<uint32_t> molecules_;
  std::vector<HeadActivations> activations_;             // [passes]
  std::vector<std::vector<float>> outputs_, d_outputs_;  // [passes][items, outputs]
};

}  // namespace molrt
