#pragma once
// The first pass of a training step with AD-DROP: attributes what the network gives to its
// attention and chooses the keys that the pass which is learnt from does without.
#include "model/trainable_encoder.h"
#include "train/attribution_target.h"
#include "train/head_step.h"

namespace molrt {

class KeyDropper {
 public:
  // Gives the head's inputs of the encoder's last pass [items, head_width].
  using HeadInputs = std::function<std::vector<float>(const float* tokens)>;

  KeyDropper(const Fold& fold, TrainableEncoder& encoder, const Head& head, HeadStep& head_step,
             Team& team, int layers)
      : fold_(fold),
        encoder_(encoder),
        head_(head),
        head_step_(head_step),
        team_(team),
        all_layers_(layers) {}

  // After the encoder's forward pass of the items with this noise, whose head inputs are
  // `inputs`: what a batch of so many copies of the items does without. frozen: leading layers. The
  // mask's draws are those of the step.
  const DroppedKeys& choose(std::span<const RowConformer> items, std::vector<float> inputs,
                            const HeadInputs& head_inputs, const EncoderNoise& noise,
                            const AttentionPlan& plan, int frozen, uint32_t step, size_t copies);

 private:
  void prepare(std::span<const RowConformer> items, const AttentionPlan& plan, int frozen);
  void by_attention(const EncoderNoise& noise, const AttentionPlan& plan);
  void by_gradient(const std::vector<float>& inputs, const EncoderNoise& noise,
                   const AttentionPlan& plan, uint32_t step);
  void by_integral(const HeadInputs& head_inputs, std::vector<float> inputs,
                   const EncoderNoise& noise, const AttentionPlan& plan, uint32_t step);
  const float* output_gradient(OutputTarget& target, const std::vector<float>& inputs,
                               const AttentionPlan& plan, uint32_t step);
  void drop(const HeadAttention& head, const float* scores, const EncoderNoise& noise,
            const AttentionPlan& plan);
  float* sum_of(const HeadAttention& head);

  const Fold& fold_;
  TrainableEncoder& encoder_;
  const Head& head_;
  HeadStep& head_step_;
  Team& team_;
  int all_layers_;
  std::span<const RowConformer> items_;
  std::vector<int> layers_;
  DroppedKeys dropped_;
  std::vector<std::vector<std::vector<float>>> sums_;  // [layers][items][heads, n, pair_stride]
};

}  // namespace molrt
