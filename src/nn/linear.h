#pragma once
// Builders of the two commonest layers from named weights.
#include <string>

#include "kernels/layer_norm.h"
#include "kernels/matmul.h"
#include "nn/weights.h"

namespace molrt {

// NAME.weight [outputs, inputs], NAME.bias [outputs].
inline PackedMatrix make_linear(const Weights& weights, const std::string& name, int inputs,
                                int outputs, Epilogue epilogue) {
  const auto weight =
      weights.get(name + ".weight", {outputs, inputs});  // complains before the bias
  return PackedMatrix(weight, weights.get(name + ".bias", {outputs}), inputs, outputs, epilogue);
}

struct LayerNorm {
  std::vector<float> weight, bias;  // [width]
  LayerNorm(const Weights& weights, const std::string& name, int width)
      : weight(weights.get(name + ".weight", {width})),
        bias(weights.get(name + ".bias", {width})) {}
  // x, y [rows, width]; y may be x.
  void forward(const float* x, size_t rows, float* y) const {
    layer_norm(x, rows, weight, bias, y);
  }
};

}  // namespace molrt
