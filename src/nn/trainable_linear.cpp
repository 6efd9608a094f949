#include "nn/trainable_linear.h"

#include <algorithm>

#include "kernels/bfloat.h"

namespace molrt {
namespace {

size_t tiles(size_t rows) { return padded_rows(rows) / row_tile; }

}  // namespace

TrainableLinear::TrainableLinear(const Parameters& parameters, const std::string& name, int inputs,
                                 int outputs)
    : weight_name_(name + ".weight"),
      inputs_(inputs),
      outputs_(outputs),
      weight_(parameters.get(weight_name_, {outputs, inputs})),
      bias_(parameters.get(name + ".bias", {outputs})),
      gradient_(inputs, outputs) {}

void TrainableLinear::pack(Product product, Epilogue epilogue, const WeightNoise* noise,
                           Precision precision, Workspace& w) {
  noise_ = noise != nullptr && noise->touches(weight_name_) ? noise : nullptr;
  const auto weight =
      with_noise(noise, weight_name_, static_cast<size_t>(inputs_), 0, weight_.value, w.weight);
  packed_.emplace(weight, bias_.value, inputs_, outputs_, epilogue, product, precision);
}

void TrainableLinear::forward(Team& team, const float* x, size_t rows, float* y) const {
  team.share(tiles(rows), [&](size_t tile, Workspace& w) {
    const size_t row = tile * row_tile;
    packed_->multiply(x + row * inputs_, row_tile, y + row * outputs_, w.matmul);
  });
}

void TrainableLinear::accumulate(int block, const GradientRows& rows, Workspace& w) const {
  if (noise_) return accumulate_noisy(block, rows, w);
  gradient_.accumulate(block, rows, weight_.gradient.data(), bias_.gradient.data(), w.matmul);
}

// The block's gradient by itself, for the noise to go back through.
void TrainableLinear::accumulate_noisy(int block, const GradientRows& rows, Workspace& w) const {
  const auto [first, last] = gradient_.rows_of(block);
  const size_t columns = static_cast<size_t>(inputs_), offset = first * columns;
  float* whole = w.weight.resize(weight_.value.size());
  const std::span<float> own(whole + offset, (last - first) * columns);
  std::fill(own.begin(), own.end(), 0.f);
  gradient_.accumulate(block, rows, whole, bias_.gradient.data(), w.matmul);
  noise_->backward({weight_name_, columns, offset, own});
  for (size_t i = 0; i < own.size(); ++i) weight_.gradient[offset + i] += own[i];
}

// In the team's precision, for all blocks.
GradientRows TrainableLinear::gradient_rows(Team& team, const float* x, const float* d_y,
                                            size_t rows) const {
  GradientRows all{x, d_y, rows, nullptr, nullptr};
  if (team.precision() == Precision::f32) return all;
  const size_t inputs = inputs_, outputs = outputs_, tile = row_tile;
  auto* halves = reinterpret_cast<uint16_t*>(
      team.own().halves.resize(padded_rows(rows) * (inputs + outputs) / 2 + 1));
  uint16_t* d_halves = halves + padded_rows(rows) * inputs;
  team.share(tiles(rows), [&](size_t i, Workspace&) {
    to_bf16(x + i * tile * inputs, tile * inputs, halves + i * tile * inputs);
    to_bf16(d_y + i * tile * outputs, tile * outputs, d_halves + i * tile * outputs);
  });
  all.x_halves = halves;
  all.d_y_halves = d_halves;
  return all;
}

void TrainableLinear::backward(Team& team, const float* x, const float* d_y, size_t rows,
                               float* d_x) const {
  const size_t blocks = gradient_.blocks();
  const GradientRows of_weight = gradient_rows(team, x, d_y, rows);
  team.share(blocks + tiles(rows), [&](size_t part, Workspace& w) {
    if (part < blocks) {
      accumulate(static_cast<int>(part), of_weight, w);
    } else {
      const size_t row = (part - blocks) * row_tile;
      packed_->multiply(d_y + row * outputs_, row_tile, d_x + row * inputs_, w.matmul);
    }
  });
}

TrainableNorm::TrainableNorm(const Parameters& parameters, const std::string& name, int width)
    : weight_(parameters.get(name + ".weight", {width})),
      bias_(parameters.get(name + ".bias", {width})) {}

void TrainableNorm::forward(Team& team, const float* x, size_t rows, float* y) const {
  const size_t width = weight_.value.size();
  team.share_tiles(rows, [&](size_t row, size_t count, Workspace&) {
    layer_norm(x + row * width, count, weight_.value, bias_.value, y + row * width);
  });
}

void TrainableNorm::backward(Team& team, const float* x, const float* d_y, size_t rows, float* d_x,
                             float* statistics) const {
  const size_t width = weight_.value.size();
  team.share_tiles(rows, [&](size_t row, size_t count, Workspace&) {
    layer_norm_backward(x + row * width, d_y + row * width, count, weight_.value, d_x + row * width,
                        statistics + 2 * row);
  });
  constexpr size_t columns = 64;
  team.share((width + columns - 1) / columns, [&](size_t part, Workspace&) {
    const size_t first = part * columns;
    layer_norm_backward_parameters(x, d_y, statistics, rows, width, first,
                                   std::min(first + columns, width), weight_.gradient.data(),
                                   bias_.gradient.data());
  });
}

}  // namespace molrt
