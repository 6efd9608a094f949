#pragma once
#include <cstddef>
#include <span>

namespace molrt {

constexpr float layer_norm_epsilon = 1e-5f;

// y = (x - mean(x)) / sqrt(var(x) + 1e-5) * weight + bias, row by row; var is the population's.
// x, y [rows, width]; weight, bias [width]. y may be x.
void layer_norm(const float* x, size_t rows, std::span<const float> weight,
                std::span<const float> bias, float* y);

// d_x [rows, width] += the gradient of x; statistics [rows, 2] = each row's mean and 1/deviation,
// for layer_norm_backward_parameters.
void layer_norm_backward(const float* x, const float* d_y, size_t rows,
                         std::span<const float> weight, float* d_x, float* statistics);

// Adds to columns first ... last of d_weight, d_bias [width], in the order of the rows.
void layer_norm_backward_parameters(const float* x, const float* d_y, const float* statistics,
                                    size_t rows, size_t width, size_t first, size_t last,
                                    float* d_weight, float* d_bias);

}  // namespace molrt
