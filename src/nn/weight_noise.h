#pragma once
// Noise on the weights of linear layers in one pass: what stands for a weight while the pass reads
// it, and the way back (spec: regularisers.md section 4).
#include <cstdint>
#include <span>
#include <string_view>

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

}  // namespace molrt
