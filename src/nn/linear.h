#pragma once
// The two commonest layers, from named weights.
#include <algorithm>
#include <array>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "kernels/layer_norm.h"
#include "kernels/matmul.h"
#include "nn/team.h"
#include "nn/weights.h"

namespace molrt {

// NAME.weight [outputs, inputs], NAME.bias [outputs]. Checked at once, but packed when first used:
// a model that is only trained further or written to a file need not hold its weights twice. Nor
// need one that predicts: packed weights that came from a file leave memory in their plain form.
class Linear {
 public:
  Linear(const Weights& weights, const std::string& name, int inputs, int outputs,
         Epilogue epilogue);

  // As PackedMatrix::multiply; from any number of threads.
  void multiply(Precision precision, const float* x, size_t rows, float* y, Buffer& scratch) const {
    packed(precision).multiply(x, rows, y, scratch);
  }
  // The same by all of the team; of the outputs from `first` on, or up to `last`, at least.
  void multiply(Team& team, const float* x, size_t rows, float* y, int first = 0) const;
  void multiply_to(Team& team, const float* x, size_t rows, float* y, int last) const;
  void pack(Precision precision) const { packed(precision); }

 private:
  struct Lazy {
    std::once_flag once;
    std::optional<PackedMatrix> matrix;
  };
  const PackedMatrix& packed(Precision precision) const;
  void share(Team& team, const PackedMatrix& matrix, size_t first, size_t last, const float* x,
             size_t rows, float* y) const;

  Tensor weight_;
  std::vector<float> bias_;
  int inputs_, outputs_;
  Epilogue epilogue_;
  std::unique_ptr<std::array<Lazy, 3>> lazy_;  // by precision
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
  void forward(Team& team, const float* x, size_t rows, float* y) const {
    team.share_tiles(rows, [&](size_t row, size_t count, Workspace&) {
      forward(x + row * weight.size(), count, y + row * weight.size());
    });
  }
};

}  // namespace molrt
