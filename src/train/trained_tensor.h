#pragma once
// A tensor in training, with what the optimiser does to it beside Adam (spec: regularisers.md
// section 5).
#include <span>
#include <string>

namespace molrt {

struct TrainedTensor {
  std::string name;
  std::span<float> value, gradient;
  double rate_factor = 1;  // of the learning rate
  double decay = 0;        // decoupled: w -= rate * decay * w
  double pull = 0;         // likewise: w -= rate * pull * (w - origin)
  std::span<const float> origin =
      {};  // what training began with, as long as value; empty: not kept
};

// What weight decay and pulls leave alone.
inline bool is_bias_or_norm(const std::string& name) {
  return name.ends_with(".bias") || name.find("norm") != std::string::npos ||
         name.starts_with("gbf.ln.");
}

}  // namespace molrt
