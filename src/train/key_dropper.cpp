#include "train/key_dropper.h"

#include <algorithm>
#include <numeric>

namespace molrt {

const DroppedKeys& KeyDropper::choose(std::span<const RowConformer> items,
                                      std::vector<float> inputs, const HeadInputs& head_inputs,
                                      const EncoderNoise& noise, const AttentionPlan& plan,
                                      int frozen, uint32_t step, size_t copies) {
  items_ = items;
  prepare(items, plan, frozen);
  if (layers_.empty()) return dropped_;
  switch (plan.attribution) {
    case Attribution::gradient:
      by_gradient(inputs, noise, plan, step);
      break;
    case Attribution::integrated:
      by_integral(head_inputs, std::move(inputs), noise, plan, step);
      break;
    default:
      by_attention(noise, plan);
  }
  for (auto& layer : dropped_.layers) {
    const std::vector<KeyMask> once = layer;
    for (size_t copy = 1; copy < copies; ++copy)
      layer.insert(layer.end(), once.begin(), once.end());
  }
  return dropped_;
}

void KeyDropper::prepare(std::span<const RowConformer> items, const AttentionPlan& plan,
                         int frozen) {
  layers_ = plan.layers;
  if (layers_.empty()) {
    layers_.resize(static_cast<size_t>(all_layers_ - frozen));
    std::iota(layers_.begin(), layers_.end(), frozen);
  }
  dropped_.layers.assign(static_cast<size_t>(all_layers_), {});
  for (const int layer : layers_)
    for (size_t m = 0; m < items.size(); ++m)
      dropped_.layers[static_cast<size_t>(layer)].emplace_back(encoder_.shape(m).mask_size());
}

void KeyDropper::drop(const HeadAttention& head, const float* scores, const EncoderNoise& noise,
                      const AttentionPlan& plan) {
  const KeyCoins coins{noise.key, items_[head.molecule].molecule(), head.layer,
                       random_purpose(Purpose::addrop)};
  uint16_t* mask = dropped_.layers[static_cast<size_t>(head.layer)][head.molecule].data() +
                   size_t(head.head) * head.shape.tokens * head.shape.mask_stride();
  if (plan.attribution == Attribution::random)
    drop_by_coins(head.shape, head.head, head.attention, plan.choice.p, plan.choice.q, coins, mask);
  else
    drop_by_score(head.shape, head.head, scores, plan.choice, coins, mask);
}

void KeyDropper::by_attention(const EncoderNoise& noise, const AttentionPlan& plan) {
  encoder_.visit_attention(team_, noise, layers_, [&](const HeadAttention& head) {
    drop(head, head.attention, noise, plan);
  });
}

void KeyDropper::by_gradient(const std::vector<float>& inputs, const EncoderNoise& noise,
                             const AttentionPlan& plan, uint32_t step) {
  OutputTarget target(fold_, plan.target);
  encoder_.attribute(
      team_, noise, layers_, output_gradient(target, inputs, plan, step),
      [&](const HeadAttention& head) { drop(head, head.gradient, noise, plan); }, Shown::gradient);
}

// S = A (1/m) sum over k of dt/dA at A (k - 1/2) / m.
void KeyDropper::by_integral(const HeadInputs& head_inputs, std::vector<float> inputs,
                             const EncoderNoise& noise, const AttentionPlan& plan, uint32_t step) {
  sums_.assign(static_cast<size_t>(all_layers_), {});
  for (const int layer : layers_)
    for (size_t m = 0; m < items_.size(); ++m)
      sums_[static_cast<size_t>(layer)].emplace_back(encoder_.shape(m).pair_size());
  OutputTarget target(fold_, plan.target);
  output_gradient(target, inputs, plan, step);  // settles what is predicted
  encoder_.hold_attention(team_, noise, layers_);
  for (int k = 1; k <= plan.steps; ++k) {
    const float scale = (static_cast<float>(k) - .5f) / static_cast<float>(plan.steps);
    inputs = head_inputs(encoder_.forward_held(team_, noise, layers_, scale));
    const bool last = k == plan.steps;
    encoder_.attribute_held(team_, noise, layers_, scale,
                            output_gradient(target, inputs, plan, step),
                            [&](const HeadAttention& head) {
                              float* sum = sum_of(head);
                              const size_t size = head.shape.head_pairs();
                              for (size_t i = 0; i < size; ++i) sum[i] += head.gradient[i];
                              if (!last) return;
                              for (size_t i = 0; i < size; ++i) sum[i] *= head.attention[i];
                              drop(head, sum, noise, plan);
                            });
  }
}

float* KeyDropper::sum_of(const HeadAttention& head) {
  return sums_[static_cast<size_t>(head.layer)][head.molecule].data() +
         size_t(head.head) * head.shape.head_pairs();
}

// dt by the encoder's output [padded rows, width], by way of the head.
const float* KeyDropper::output_gradient(OutputTarget& target, const std::vector<float>& inputs,
                                         const AttentionPlan& plan, uint32_t step) {
  std::vector<float> d_inputs(inputs.size());
  Head unused = make_head(head_.kind, head_.width, head_.outputs, head_.hidden);
  head_step_.look(
      head_, items_, inputs,
      [&](auto rows, auto outputs, auto d) { target.gradient(rows, outputs, d); },
      {plan.dropout, step, Purpose::addrop}, unused, d_inputs);
  return encoder_.scatter_cls(d_inputs.data(), static_cast<size_t>(head_.width));
}

}  // namespace molrt
