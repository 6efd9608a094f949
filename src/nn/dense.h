#pragma once
// y = x W^T + b for the heads, forward beside backward. Plain loops that the compiler vectorises;
// the place where a matrix library goes once wide pooled heads deserve it.
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
