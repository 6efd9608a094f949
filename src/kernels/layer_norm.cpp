#include "kernels/layer_norm.h"

#include <cmath>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/layer_norm.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace molrt::HWY_NAMESPACE {

void layer_norm_row(const float* x, size_t width, const float* weight, const float* bias,
                    float* y) {
  const float mean =
      reduce_sum(width, [&](auto d, size_t i, size_t n) { return load(d, x + i, n); }) /
      static_cast<float>(width);
  const float variance =
      reduce_sum(width,
                 [&](auto d, size_t i, size_t n) {
                   const auto centred = hn::Sub(load(d, x + i, n), hn::Set(d, mean));
                   // Lanes beyond the row must not count: load() made them 0, not mean.
                   return hn::IfThenElseZero(hn::FirstN(d, n), hn::Mul(centred, centred));
                 }) /
      static_cast<float>(width);
  const float scale = 1.0f / std::sqrt(variance + layer_norm_epsilon);
  for_lanes(width, [&](auto d, size_t i, size_t n) {
    const auto centred = hn::Sub(load(d, x + i, n), hn::Set(d, mean));
    const auto normed = hn::Mul(centred, hn::Set(d, scale));
    store(hn::MulAdd(normed, load(d, weight + i, n), load(d, bias + i, n)), d, y + i, n);
  });
}

void layer_norm_rows(const float* x, size_t rows, size_t width, const float* weight,
                     const float* bias, float* y) {
  for (size_t row = 0; row < rows; ++row)
    layer_norm_row(x + row * width, width, weight, bias, y + row * width);
}

}  // namespace molrt::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace molrt {
HWY_EXPORT(layer_norm_rows);

void layer_norm(const float* x, size_t rows, std::span<const float> weight,
                std::span<const float> bias, float* y) {
  HWY_DYNAMIC_DISPATCH(layer_norm_rows)
  (x, rows, weight.size(), weight.data(), bias.data(), y);
}

}  // namespace molrt
#endif
