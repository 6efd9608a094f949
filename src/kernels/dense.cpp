#include "kernels/dense.h"

#include <algorithm>

// Blocks of sums are arrays of vectors, which vectors of unknown length cannot form.
#define HWY_DISABLED_TARGETS (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/dense.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace molrt::HWY_NAMESPACE {

// Rows that share one reading of the other matrix. An element's order of summation does not depend
// on it: blocks and single rows give the same bytes.
constexpr size_t row_block = 8;

// y[r] = x_r . w + bias for Rows consecutive rows of x.
template <size_t Rows>
HWY_INLINE void dot_rows(const float* x, const float* w, float bias, size_t n, float* y,
                         size_t y_stride) {
  const hn::ScalableTag<float> d;
  hn::Vec<decltype(d)> sums[Rows];
  for (auto& sum : sums) sum = hn::Zero(d);
  for_lanes(n, [&](auto tag, size_t i, size_t lanes) {
    const auto weights = load(tag, w + i, lanes);
    for (size_t r = 0; r < Rows; ++r)
      sums[r] = hn::MulAdd(load(tag, x + r * n + i, lanes), weights, sums[r]);
  });
  for (size_t r = 0; r < Rows; ++r)
    y[r * y_stride] = hn::GetLane(hn::SumOfLanes(d, sums[r])) + bias;
}

template <size_t Rows>
HWY_INLINE void forward_rows(const float* x, const float* weight, const float* bias, size_t in,
                             size_t out, float* y) {
  for (size_t o = 0; o < out; ++o) dot_rows<Rows>(x, weight + o * in, bias[o], in, y + o, out);
}

void forward(const float* x, const float* weight, const float* bias, size_t rows, size_t in,
             size_t out, float* y) {
  size_t r = 0;
  for (; r + row_block <= rows; r += row_block)
    forward_rows<row_block>(x + r * in, weight, bias, in, out, y + r * out);
  for (; r < rows; ++r) forward_rows<1>(x + r * in, weight, bias, in, out, y + r * out);
}

// A matrix [rows, count] read with any strides.
struct Strided {
  const float* data;
  size_t row_stride, stride;
};

// y_r += sum over k of c[r, k] x_k for Rows rows of y [Rows, n], in the order of k.
template <size_t Rows>
HWY_INLINE void accumulate_rows(const Strided& c, const float* x, size_t count, size_t n,
                                float* y) {
  for_lanes(n, [&](auto d, size_t i, size_t lanes) {
    hn::Vec<decltype(d)> sums[Rows];
    for (size_t r = 0; r < Rows; ++r) sums[r] = load(d, y + r * n + i, lanes);
    for (size_t k = 0; k < count; ++k) {
      const auto values = load(d, x + k * n + i, lanes);
      for (size_t r = 0; r < Rows; ++r)
        sums[r] = hn::MulAdd(hn::Set(d, c.data[r * c.row_stride + k * c.stride]), values, sums[r]);
    }
    for (size_t r = 0; r < Rows; ++r) store(sums[r], d, y + r * n + i, lanes);
  });
}

// y [rows, n] += c [rows, count] x [count, n].
void accumulate(Strided c, size_t rows, const float* x, size_t count, size_t n, float* y) {
  size_t r = 0;
  for (; r + row_block <= rows; r += row_block, c.data += row_block * c.row_stride)
    accumulate_rows<row_block>(c, x, count, n, y + r * n);
  for (; r < rows; ++r, c.data += c.row_stride) accumulate_rows<1>(c, x, count, n, y + r * n);
}

void backward_parameters(const float* x, const float* d_y, size_t rows, size_t in, size_t out,
                         float* d_weight) {
  accumulate({d_y, 1, out}, out, x, rows, in, d_weight);
}

void backward_input(const float* weight, const float* d_y, size_t rows, size_t in, size_t out,
                    float* d_x) {
  accumulate({d_y, out, 1}, rows, weight, out, in, d_x);
}

}  // namespace molrt::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace molrt {
HWY_EXPORT(forward);
HWY_EXPORT(backward_parameters);
HWY_EXPORT(backward_input);

void dense_forward(const float* x, const float* weight, const float* bias, size_t rows, size_t in,
                   size_t out, float* y) {
  HWY_DYNAMIC_DISPATCH(forward)(x, weight, bias, rows, in, out, y);
}

void dense_backward_parameters(const float* x, const float* d_y, size_t rows, size_t in, size_t out,
                               float* d_weight, float* d_bias) {
  HWY_DYNAMIC_DISPATCH(backward_parameters)(x, d_y, rows, in, out, d_weight);
  for (size_t r = 0; r < rows; ++r)
    for (size_t o = 0; o < out; ++o) d_bias[o] += d_y[r * out + o];
}

void dense_backward_input(const float* weight, const float* d_y, size_t rows, size_t in, size_t out,
                          float* d_x) {
  std::fill(d_x, d_x + rows * in, 0.f);
  HWY_DYNAMIC_DISPATCH(backward_input)(weight, d_y, rows, in, out, d_x);
}

}  // namespace molrt
#endif
