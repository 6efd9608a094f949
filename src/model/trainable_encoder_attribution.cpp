// TrainableEncoder's attribution.
#include <algorithm>

#include "model/trainable_encoder.h"

namespace molrt {
namespace {

using WayBack = TrainableLayer::WayBack;

bool is_one_of(AttributedLayers layers, int layer) {
  return std::ranges::binary_search(layers, layer);
}

// What a layer's way back has to do.
struct LayerPart {
  LayerPart(AttributedLayers layers, int layer, const AttentionVisitor& visitor)
      : way(layer == layers.front() ? WayBack::to_attention : WayBack::through),
        visit(is_one_of(layers, layer) ? &visitor : nullptr) {}
  WayBack way;
  const AttentionVisitor* visit;
};

float scale_of(AttributedLayers layers, int layer, float scale) {
  return is_one_of(layers, layer) ? scale : 1.0f;
}

}  // namespace

void TrainableEncoder::visit_attention(Team& team, const EncoderNoise& noise,
                                       AttributedLayers layers, const AttentionVisitor& visit) {
  for (const int i : layers)
    layers_[i].visit_attention(team, batch_, noise.of_layer(i), tape(i), visit);
}

float* TrainableEncoder::leave_attribute(Team& team, const float* d_output) {
  const size_t rows = padded_rows(batch_.tokens), floats = rows * architecture_.width;
  float* d_x = output_.data();  // the representations have had their last use
  std::fill(d_x, d_x + floats, 0.0f);
  final_norm_input_.backward(team, x_.data(), d_output, batch_.tokens, d_x,
                             scratch_.statistics.resize(2 * rows));
  return d_x;
}

void TrainableEncoder::attribute(Team& team, const EncoderNoise& noise, AttributedLayers layers,
                                 const float* d_output, const AttentionVisitor& visit,
                                 Shown shown) {
  float* d_x = leave_attribute(team, d_output);
  float* d_pair = start_pair_gradients(nullptr);
  for (int i = architecture_.layers; i-- > layers.front();) {
    const LayerPart part(layers, i, visit);
    layers_[i].attribute(team, batch_, noise.of_layer(i), tape(i), part.way, part.visit, shown, d_x,
                         d_pair, scratch_);
  }
}

void TrainableEncoder::hold_attention(Team& team, const EncoderNoise& noise,
                                      AttributedLayers layers) {
  for (int i = layers.front(); i < architecture_.layers; ++i)
    layers_[i].hold_attention(team, batch_, noise.of_layer(i), tape(i));
}

// What comes below the first layer does not depend on the scale: its input stays on the tape.
const float* TrainableEncoder::forward_held(Team& team, const EncoderNoise& noise,
                                            AttributedLayers layers, float scale) {
  const float* input = tape(layers.front()).input.data();
  std::copy_n(input, padded_rows(batch_.tokens) * architecture_.width, x_.data());
  for (int i = layers.front(); i < architecture_.layers; ++i)
    layers_[i].forward_held(team, batch_, noise.of_layer(i), scale_of(layers, i, scale), x_.data(),
                            tape(i), scratch_);
  return leave(team);
}

void TrainableEncoder::attribute_held(Team& team, const EncoderNoise& noise,
                                      AttributedLayers layers, float scale, const float* d_output,
                                      const AttentionVisitor& visit) {
  float* d_x = leave_attribute(team, d_output);
  for (int i = architecture_.layers; i-- > layers.front();) {
    const LayerPart part(layers, i, visit);
    layers_[i].attribute_held(team, batch_, noise.of_layer(i), scale_of(layers, i, scale), tape(i),
                              part.way, part.visit, d_x, scratch_);
  }
}

}  // namespace molrt
