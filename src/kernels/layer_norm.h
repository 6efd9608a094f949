#pragma once
#include <cstddef>
#include <span>

namespace molrt {

constexpr float layer_norm_epsilon = 1e-5f;

// y = (x - mean(x)) / sqrt(var(x) + 1e-5) * weight + bias, row by row; var is the population's.
// x, y [rows, width]; weight, bias [width]. y may be x.
void layer_norm(const float* x, size_t rows, std::span<const float> weight,
                std::span<const float> bias, float* y);

}  // namespace molrt
