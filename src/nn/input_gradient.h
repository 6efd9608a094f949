#pragma once
// The ways back of linear.h's and the norms' layers to their inputs alone: no parameter gets a
// gradient. Rows as in trainable_linear.h.
#include <optional>
#include <string>

#include "kernels/matmul.h"
#include "nn/parameters.h"
#include "nn/team.h"
#include "nn/weight_noise.h"

namespace molrt {

class LinearInputGradient {
 public:
  // Of the outputs first ... first + outputs of a layer that has `all_outputs`.
  LinearInputGradient(const Parameters& parameters, const std::string& name, int inputs,
                      int all_outputs, int first, int outputs);
  LinearInputGradient(const Parameters& parameters, const std::string& name, int inputs,
                      int outputs)
      : LinearInputGradient(parameters, name, inputs, outputs, 0, outputs) {}

  // noise: as TrainableLinear's.
  void pack(const WeightNoise* noise, Workspace& workspace);
  void unpack() { packed_.reset(); }

  // d_y [rows, outputs] -> d_x [rows, inputs] is overwritten; packed.
  void backward(Team& team, const float* d_y, size_t rows, float* d_x) const;

 private:
  std::string weight_name_;
  int inputs_, outputs_;
  uint64_t first_;  // element of the weight
  std::span<const float> weight_;
  std::optional<PackedMatrix> packed_;
};

class NormInputGradient {
 public:
  NormInputGradient(const Parameters& parameters, const std::string& name, int width)
      : weight_(parameters.get(name + ".weight", {width}).value) {}

  // d_x is added to; statistics [rows, 2] is scratch.
  void backward(Team& team, const float* x, const float* d_y, size_t rows, float* d_x,
                float* statistics) const;

 private:
  std::span<const float> weight_;
};

}  // namespace molrt
