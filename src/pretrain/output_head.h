#pragma once
// Dense, gelu, layer norm (not in every head), out: what pre-training predicts with. Forward beside
// backward; rows are padded to whole tiles.
#include <optional>
#include <string>

#include "nn/trainable_linear.h"

namespace molrt {

class OutputHead {
 public:
  // Names of its layers; norm "": there is none.
  struct Names {
    std::string dense, norm, out;
  };
  OutputHead(const Parameters& parameters, const Names& names, int width, int hidden, int outputs);

  // Room for the inputs of so many rows, [padded_rows(rows), width], all 0.
  float* inputs(size_t rows);
  // The outputs of what inputs() was filled with, [padded_rows(rows), outputs], until the next
  // pass.
  const float* forward(Team& team);
  // Room for the gradient of the outputs, all 0; then that of the inputs, until the next pass. Adds
  // to the parameters' gradients.
  float* output_gradients();
  const float* backward(Team& team);

 private:
  const float* normed() { return norm_ ? normed_.data() : hidden_.data(); }

  int width_, hidden_width_, outputs_;
  TrainableLinear dense_, out_;
  std::optional<TrainableNorm> norm_;
  size_t rows_ = 0;  // padded
  Buffer input_, before_, hidden_, normed_, output_, d_output_, d_normed_, d_hidden_, d_input_,
      statistics_;
};

}  // namespace molrt
