#include "nn/dense.h"

#include <algorithm>
#include <array>

namespace molrt {
namespace {

// Sums are kept in this many interleaved parts, so that they vectorise; always the same number,
// so results do not depend on the instruction set.
constexpr size_t kLanes = 8;
// Rows that share one reading of the weights.
constexpr size_t kRows = 4;

float sum(std::array<float, kLanes> parts) {
  for (size_t half = kLanes / 2; half > 0; half /= 2)
    for (size_t i = 0; i < half; ++i) parts[i] += parts[i + half];
  return parts[0];
}

// products[r] = x_r . w for Count consecutive rows of x [Count, n].
template <size_t Count>
void dot(const float* x, const float* w, size_t n, float* products, size_t stride) {
  std::array<std::array<float, kLanes>, Count> parts{};
  const size_t whole = n - n % kLanes;
  for (size_t i = 0; i < whole; i += kLanes)
    for (size_t r = 0; r < Count; ++r)
      for (size_t lane = 0; lane < kLanes; ++lane)
        parts[r][lane] += x[r * n + i + lane] * w[i + lane];
  for (size_t i = whole; i < n; ++i)
    for (size_t r = 0; r < Count; ++r) parts[r][i - whole] += x[r * n + i] * w[i];
  for (size_t r = 0; r < Count; ++r) products[r * stride] = sum(parts[r]);
}

template <size_t Count>
void forward_rows(const float* x, const float* weight, const float* bias, size_t in, size_t out,
                  float* y) {
  for (size_t o = 0; o < out; ++o) {
    dot<Count>(x, weight + o * in, in, y + o, out);
    for (size_t r = 0; r < Count; ++r) y[r * out + o] += bias[o];
  }
}

// y += sum of terms coefficient * x, four terms at a time, in their order.
void add_scaled(const float* x, size_t x_stride, const float* coefficients, size_t stride,
                size_t count, size_t n, float* y) {
  size_t k = 0;
  for (; k + 4 <= count; k += 4) {
    const float *x0 = x + k * x_stride, *x1 = x0 + x_stride, *x2 = x1 + x_stride,
                *x3 = x2 + x_stride;
    const float* c = coefficients + k * stride;
    const float c0 = c[0], c1 = c[stride], c2 = c[2 * stride], c3 = c[3 * stride];
    for (size_t i = 0; i < n; ++i) y[i] += (c0 * x0[i] + c1 * x1[i]) + (c2 * x2[i] + c3 * x3[i]);
  }
  for (; k < count; ++k) {
    const float c0 = coefficients[k * stride];
    for (size_t i = 0; i < n; ++i) y[i] += c0 * x[k * x_stride + i];
  }
}

}  // namespace

void dense_forward(const float* x, const float* weight, const float* bias, size_t rows, size_t in,
                   size_t out, float* y) {
  size_t r = 0;
  for (; r + kRows <= rows; r += kRows)
    forward_rows<kRows>(x + r * in, weight, bias, in, out, y + r * out);
  for (; r < rows; ++r) forward_rows<1>(x + r * in, weight, bias, in, out, y + r * out);
}

void dense_backward_parameters(const float* x, const float* d_y, size_t rows, size_t in, size_t out,
                               float* d_weight, float* d_bias) {
  for (size_t o = 0; o < out; ++o) {
    add_scaled(x, in, d_y + o, out, rows, in, d_weight + o * in);
    for (size_t r = 0; r < rows; ++r) d_bias[o] += d_y[r * out + o];
  }
}

void dense_backward_input(const float* weight, const float* d_y, size_t rows, size_t in, size_t out,
                          float* d_x) {
  std::fill(d_x, d_x + rows * in, 0.f);
  for (size_t r = 0; r < rows; ++r) add_scaled(weight, in, d_y + r * out, 1, out, in, d_x + r * in);
}

}  // namespace molrt
