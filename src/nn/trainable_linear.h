#pragma once
// The two commonest layers with weights that change at every step, forward beside backward. Rows
// are those of a packed batch, padded to whole tiles; gradients in padding rows are 0.
#include <optional>
#include <string>

#include "kernels/layer_norm.h"
#include "kernels/matmul.h"
#include "nn/parameters.h"
#include "nn/team.h"
#include "nn/weight_noise.h"

namespace molrt {

// y = x W^T + b. The packed forms of the weight are made for one pass and dropped after it: a whole
// network's would double the memory.
class TrainableLinear {
 public:
  TrainableLinear(const Parameters& parameters, const std::string& name, int inputs, int outputs);

  // noise: on the weight, of this pass; null: none.
  void pack(Product product, Epilogue epilogue, const WeightNoise* noise, Precision precision,
            Workspace& workspace);
  void unpack() { packed_.reset(); }

  // x [rows, inputs] -> y [rows, outputs]; packed for the forward pass.
  void forward(Team& team, const float* x, size_t rows, float* y) const;
  // d_y [rows, outputs] -> d_x [rows, inputs] is overwritten; packed for the way back. The
  // gradients of weight and bias are added to, the weight's by way of the noise it was packed with.
  void backward(Team& team, const float* x, const float* d_y, size_t rows, float* d_x) const;

  int inputs() const { return inputs_; }
  int outputs() const { return outputs_; }

 private:
  GradientRows gradient_rows(Team& team, const float* x, const float* d_y, size_t rows) const;
  void accumulate(int block, const GradientRows& rows, Workspace&) const;
  void accumulate_noisy(int block, const GradientRows& rows, Workspace&) const;

  std::string weight_name_;
  int inputs_, outputs_;
  Parameter weight_, bias_;
  std::optional<PackedMatrix> packed_;
  const WeightNoise* noise_ = nullptr;
  WeightGradient gradient_;
};

class TrainableNorm {
 public:
  TrainableNorm(const Parameters& parameters, const std::string& name, int width);

  // x, y [rows, width]; y may be x.
  void forward(Team& team, const float* x, size_t rows, float* y) const;
  // d_x is added to; statistics [rows, 2] is scratch.
  void backward(Team& team, const float* x, const float* d_y, size_t rows, float* d_x,
                float* statistics) const;

 private:
  Parameter weight_, bias_;
};

}  // namespace molrt
