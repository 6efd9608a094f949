#include "nn/input_gradient.h"

#include <algorithm>

#include "kernels/layer_norm.h"

namespace molrt {
LinearInputGradient::LinearInputGradient(const Parameters& parameters, const std::string& name,
                                         int inputs, int all_outputs, int first, int outputs)
    : weight_name_(name + ".weight"),
      inputs_(inputs),
      outputs_(outputs),
      first_(uint64_t(first) * inputs),
      weight_(parameters.get(weight_name_, {all_outputs, inputs})
                  .value.subspan(size_t(first) * inputs, size_t(outputs) * inputs)) {}

void LinearInputGradient::pack(const WeightNoise* noise, Workspace& w) {
  const auto weight =
      with_noise(noise, weight_name_, static_cast<size_t>(inputs_), first_, weight_, w.weight);
  packed_.emplace(weight, std::span<const float>(), inputs_, outputs_, Epilogue::none,
                  Product::backward);
}

void LinearInputGradient::backward(Team& team, const float* d_y, size_t rows, float* d_x) const {
  team.share_tiles(rows, [&](size_t row, size_t, Workspace& w) {
    packed_->multiply(d_y + row * outputs_, row_tile, d_x + row * inputs_, w.matmul);
  });
}

void NormInputGradient::backward(Team& team, const float* x, const float* d_y, size_t rows,
                                 float* d_x, float* statistics) const {
  const size_t width = weight_.size();
  team.share_tiles(rows, [&](size_t row, size_t count, Workspace&) {
    layer_norm_backward(x + row * width, d_y + row * width, count, weight_, d_x + row * width,
                        statistics + 2 * row);
  });
}

}  // namespace molrt
