#pragma once
// The head's part of a training step, with all passes that the methods ask for (train/method.h,
// PassPlan): outputs, loss and the way back to the head's inputs.
#include "train/fold.h"

namespace molrt {

// One pass over the network: what it gives the head, [items, head_width], and the gradient of that;
// empty: not wanted.
struct NetworkPass {
  std::span<const float> inputs;
  std::span<float> d_inputs;
};

// What a part of a batch is learnt for.
struct BatchShare {
  double labels = 0;     // fold_weight() of the whole batch; 0: it has no labels
  double molecules = 0;  // of the whole batch
  double pair = 1;       // factor of the loss between two passes
  double sum_of = 1;     // without labels: what this loss is told times
};

BatchShare whole_batch(const Fold& fold, std::span<const size_t> rows);

// A pass beside the steps: GradientSource's.
struct Look {
  bool dropout;
  uint32_t step;
  Purpose purpose;
  double weight = 1;  // fold_weight() of the whole batch, where no target is given
};

class HeadStep {
 public:
  explicit HeadStep(const Fold& fold);

  // A plan's passes over the network: as many, or one that they share where nothing in the encoder
  // is random. Adds to `gradient`.
  LossSum run(const Head& head, std::span<const RowConformer> items,
              std::span<const NetworkPass> passes, uint32_t step, const BatchShare& share,
              Head& gradient);

  const PassPlan& plan() const { return plan_; }

  // One pass for a target (none: these rows' part of the mean loss); adds to `gradient`. d_inputs
  // as inputs [items, head_width], or empty.
  void look(const Head& head, std::span<const RowConformer> items, std::span<const float> inputs,
            const GradientSource::Target& target, const Look& look, Head& gradient,
            std::span<float> d_inputs);

 private:
  size_t samples() const { return plan_.head_rates.size(); }
  size_t passes() const { return static_cast<size_t>(plan_.passes) * samples(); }
  PassKey key(size_t pass, uint32_t step) const;
  HeadDropout dropout(size_t pass, uint32_t step) const;
  const Head& noisy_head(const Head& head, size_t network_pass, uint32_t step);
  void forward(std::span<const NetworkPass> passes, const Head& head, uint32_t step);
  void backward(const Head& head, std::span<const NetworkPass> passes, uint32_t step,
                Head& gradient);
  void mean_backward(const Head& head, std::span<const NetworkPass> passes, uint32_t step,
                     Head& gradient);
  void weights_backward(size_t pass, uint32_t step, Head& gradient) const;
  LossSum losses(const std::vector<size_t>& rows, double weight);
  LossSum loss_of(size_t network_pass, const std::vector<size_t>& rows, double weight);
  double pair_loss(const BatchShare& share);
  std::vector<float> mean_output(size_t network_pass) const;

  const Fold& fold_;
  PassPlan plan_;
  bool noisy_weights_ = false;
  std::vector<uint32_t> molecules_;
  std::vector<Head> heads_;                              // [plan_.passes], with noise
  std::vector<HeadActivations> activations_;             // [passes], one network pass's together
  std::vector<std::vector<float>> outputs_, d_outputs_;  // [passes][items, outputs]
};

}  // namespace molrt
