#pragma once
// Noise on the weights of linear layers in one pass: what stands for a weight while the pass reads
// it, and the way back (spec: regularisers.md section 4).
#include <algorithm>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/buffer.h"

namespace molrt {

// Elements first ... first + values.size() of a weight [outputs, columns], whole rows.
struct WeightPart {
  std::string_view name;
  size_t columns;
  uint64_t first;
  std::span<float> values;
};

// Called from any thread, a part at a time.
class WeightNoise {
 public:
  virtual ~WeightNoise() = default;
  virtual bool touches(std::string_view name) const = 0;
  // In: the weight; out: what stands for it.
  virtual void forward(const WeightPart& weight) const = 0;
  // In: the gradient of what stood for the weight; out: that of the weight.
  virtual void backward(const WeightPart& gradient) const = 0;
};

// The rows of a weight as a pass reads them: themselves, or with noise in `room`.
inline std::span<const float> with_noise(const WeightNoise* noise, std::string_view name,
                                         size_t columns, uint64_t first,
                                         std::span<const float> weight, Buffer& room) {
  if (noise == nullptr || !noise->touches(name)) return weight;
  const std::span<float> noisy(room.resize(weight.size()), weight.size());
  std::copy(weight.begin(), weight.end(), noisy.begin());
  noise->forward({name, columns, first, noisy});
  return noisy;
}

}  // namespace molrt
