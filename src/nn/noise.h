#pragma once
// The encoder's dropout in one pass of one step (spec: regularisers.md 0a, 1.1), and the
// attention's keys that the pass does without (AD-DROP, there 7).
#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>

#include "kernels/dropout.h"
#include "nn/dropped_keys.h"
#include "nn/weight_noise.h"

namespace molrt {

struct EncoderNoise {
  double embedding = 0, attention = 0, activation = 0, residual = 0;  // rates; 0: no dropout there
  PhiloxKey key{};
  uint32_t purpose = 0;                 // random_purpose()
  std::span<const uint32_t> molecules;  // the id of each molecule of the batch
  int quiet_layers = 0;  // leading layers without dropout; above 0, the embedding has none either
  const DroppedKeys* dropped_keys = nullptr;  // of the layers that are trained
  const WeightNoise* weights = nullptr;
  std::span<const uint32_t> purposes = {};  // of each molecule of the batch; empty: `purpose`

  double embedding_rate() const { return quiet_layers > 0 ? 0 : embedding; }
  EncoderNoise of_layer(int layer) const {
    EncoderNoise own = *this;
    if (layer < quiet_layers) own.attention = own.activation = own.residual = 0;
    return own;
  }
  // Nothing random comes before this layer.
  bool is_quiet_below(int layer) const {
    const EncoderNoise below = of_layer(std::max(layer, 1) - 1);
    return embedding_rate() == 0 &&
           (layer == 0 || (below.attention == 0 && below.activation == 0 && below.residual == 0));
  }
  std::optional<DropoutStream> stream(double rate, uint32_t site, size_t molecule) const {
    if (rate == 0) return std::nullopt;
    const uint32_t own = purposes.empty() ? purpose : purposes[molecule];
    return DropoutStream{key, molecules[molecule], site, own, rate};
  }
  const uint16_t* dropped(int layer, size_t molecule) const {
    return dropped_keys ? dropped_keys->of(layer, molecule) : nullptr;
  }
};

enum LayerSite : uint32_t { site_attention, site_residual_1, site_activation, site_residual_2 };

inline uint32_t layer_site(int layer, LayerSite site) {
  return site_layer_first + 4 * static_cast<uint32_t>(layer) + site;
}

}  // namespace molrt
