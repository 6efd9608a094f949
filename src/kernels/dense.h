#pragma once
// y = x W^T + b with weights that change at every step, as the heads need in training; forward
// beside backward. Serial. (Fixed weights of the encoder go through matmul.h.)
#include <cstddef>

namespace molrt {

// x [rows, in], weight [out, in], bias [out] -> y [rows, out]. A row's bytes depend on that row
// only.
void dense_forward(const float* x, const float* weight, const float* bias, size_t rows, size_t in,
                   size_t out, float* y);

// Adds to d_weight [out, in] and d_bias [out], in the order of the rows.
void dense_backward_parameters(const float* x, const float* d_y, size_t rows, size_t in, size_t out,
                               float* d_weight, float* d_bias);

// Overwrites d_x [rows, in].
void dense_backward_input(const float* weight, const float* d_y, size_t rows, size_t in, size_t out,
                          float* d_x);

}  // namespace molrt
