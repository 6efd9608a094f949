#pragma once
// The two commonest layers, from named weights.
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "kernels/layer_norm.h"
#include "kernels/matmul.h"
#include "nn/weights.h"

namespace molrt {

// NAME.weight [outputs, inputs], NAME.bias [outputs]. Checked at once, but packed when first used:
// a model that is only trained further or written to a file need not hold its weights twice.
class Linear {
 public:
  Linear(const Weights& weights, const std::string& name, int inputs, int outputs,
         Epilogue epilogue);

  // As PackedMatrix::multiply; from any number of threads.
  void multiply(const float* x, size_t rows, float* y, Buffer& scratch) const {
    packed().multiply(x, rows, y, scratch);
  }

 private:
  struct Lazy {
    std::once_flag once;
    std::optional<PackedMatrix> matrix;
  };
  const PackedMatrix& packed() const;

  Tensor weight_;  // its owner keeps the bytes
  std::vector<float> bias_;
  int inputs_, outputs_;
  Epilogue epilogue_;
  std::unique_ptr<Lazy> lazy_;
};

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
