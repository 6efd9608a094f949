#include "kernels/layer_norm.h"

#include <cmath>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/layer_norm.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace molrt::HWY_NAMESPACE {

struct Statistics {
  float mean, scale;  // scale: 1 / the deviation
};

HWY_INLINE Statistics row_statistics(const float* x, size_t width) {
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
  return {mean, 1.0f / std::sqrt(variance + layer_norm_epsilon)};
}

void layer_norm_row(const float* x, size_t width, const float* weight, const float* bias,
                    float* y) {
  const Statistics row = row_statistics(x, width);
  for_lanes(width, [&](auto d, size_t i, size_t n) {
    const auto centred = hn::Sub(load(d, x + i, n), hn::Set(d, row.mean));
    const auto normed = hn::Mul(centred, hn::Set(d, row.scale));
    store(hn::MulAdd(normed, load(d, weight + i, n), load(d, bias + i, n)), d, y + i, n);
  });
}

void layer_norm_rows(const float* x, size_t rows, size_t width, const float* weight,
                     const float* bias, float* y) {
  for (size_t row = 0; row < rows; ++row)
    layer_norm_row(x + row * width, width, weight, bias, y + row * width);
}

// With z = (x - mean) * scale and g = d_y * weight: d_x = scale (g - mean(g) - z mean(g z)).
HWY_INLINE void backward_row(const float* x, const float* d_y, size_t width, const float* weight,
                             const Statistics& row, float* d_x) {
  const auto normed = [&](auto d, size_t i, size_t n) {
    return hn::Mul(hn::Sub(load(d, x + i, n), hn::Set(d, row.mean)), hn::Set(d, row.scale));
  };
  const auto slope = [&](auto d, size_t i, size_t n) {  // 0 in unused lanes
    return hn::Mul(load(d, d_y + i, n), load(d, weight + i, n));
  };
  const auto mean = [&](const auto& term) {
    return reduce_sum(width, term) / static_cast<float>(width);
  };
  const float g = mean(slope), gz = mean([&](auto d, size_t i, size_t n) {
                                 return hn::Mul(slope(d, i, n), normed(d, i, n));
                               });
  for_lanes(width, [&](auto d, size_t i, size_t n) {
    const auto along = hn::MulAdd(normed(d, i, n), hn::Set(d, gz), hn::Set(d, g));
    const auto across = hn::Sub(slope(d, i, n), along);
    store(hn::MulAdd(across, hn::Set(d, row.scale), load(d, d_x + i, n)), d, d_x + i, n);
  });
}

void backward_rows(const float* x, const float* d_y, size_t rows, size_t width, const float* weight,
                   float* d_x, float* statistics) {
  for (size_t r = 0; r < rows; ++r, x += width, d_y += width, d_x += width) {
    const Statistics row = row_statistics(x, width);
    backward_row(x, d_y, width, weight, row, d_x);
    *statistics++ = row.mean;
    *statistics++ = row.scale;
  }
}

void backward_columns(const float* x, const float* d_y, const float* statistics, size_t rows,
                      size_t width, size_t first, size_t last, float* d_weight, float* d_bias) {
  for (size_t r = 0; r < rows; ++r, x += width, d_y += width, statistics += 2)
    for_lanes(last - first, [&](auto d, size_t k, size_t n) {
      const size_t i = first + k;
      const auto centred = hn::Sub(load(d, x + i, n), hn::Set(d, statistics[0]));
      const auto normed = hn::Mul(centred, hn::Set(d, statistics[1]));
      const auto g = load(d, d_y + i, n);
      store(hn::MulAdd(g, normed, load(d, d_weight + i, n)), d, d_weight + i, n);
      store(hn::Add(g, load(d, d_bias + i, n)), d, d_bias + i, n);
    });
}

}  // namespace molrt::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace molrt {
HWY_EXPORT(layer_norm_rows);
HWY_EXPORT(backward_rows);
HWY_EXPORT(backward_columns);

void layer_norm(const float* x, size_t rows, std::span<const float> weight,
                std::span<const float> bias, float* y) {
  HWY_DYNAMIC_DISPATCH(layer_norm_rows)
  (x, rows, weight.size(), weight.data(), bias.data(), y);
}

void layer_norm_backward(const float* x, const float* d_y, size_t rows,
                         std::span<const float> weight, float* d_x, float* statistics) {
  HWY_DYNAMIC_DISPATCH(backward_rows)
  (x, d_y, rows, weight.size(), weight.data(), d_x, statistics);
}

void layer_norm_backward_parameters(const float* x, const float* d_y, const float* statistics,
                                    size_t rows, size_t width, size_t first, size_t last,
                                    float* d_weight, float* d_bias) {
  HWY_DYNAMIC_DISPATCH(backward_columns)
  (x, d_y, statistics, rows, width, first, last, d_weight, d_bias);
}

}  // namespace molrt
#endif
