#include "kernels/pair_features.h"

#include <cmath>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/pair_features.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// Highway's headers come first.
#include <hwy/contrib/math/math-inl.h>

#include "kernels/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace molrt::HWY_NAMESPACE {

HWY_INLINE float argument(const EdgeTables& edges, int32_t edge_type, float distance) {
  return edges.mul[edge_type] * distance + edges.bias[edge_type];
}

void gaussian_rows(const EdgeTables& edges, std::span<const float> means,
                   std::span<const float> widths, const float* distances, const int32_t* edge_types,
                   size_t pairs, float* out) {
  const float root = static_cast<float>(std::sqrt(2 * 3.14159));  // the peer's literal pi
  for (size_t p = 0; p < pairs; ++p, out += means.size()) {
    const float u = argument(edges, edge_types[p], distances[p]);
    for_lanes(means.size(), [&](auto d, size_t k, size_t n) {
      const auto width =
          hn::IfThenElse(hn::FirstN(d, n), load(d, widths.data() + k, n), hn::Set(d, 1));
      const auto z = hn::Div(hn::Sub(hn::Set(d, u), load(d, means.data() + k, n)), width);
      const auto e = hn::Exp(d, hn::Mul(hn::Set(d, -0.5f), hn::Mul(z, z)));
      store(hn::Div(e, hn::Mul(hn::Set(d, root), width)), d, out + k, n);
    });
  }
}

void edge_rows(const EdgeTables& edges, const float* w_edge, const float* distances,
               const int32_t* edge_types, size_t pairs, size_t width, float* out) {
  for (size_t p = 0; p < pairs; ++p, out += width) {
    const float u = argument(edges, edge_types[p], distances[p]);
    const float gate = 1.0f / (1.0f + std::exp(-u));
    const float* row = w_edge + size_t(edge_types[p]) * width;
    for_lanes(width, [&](auto d, size_t k, size_t n) {
      store(hn::MulAdd(load(d, row + k, n), hn::Set(d, gate), load(d, out + k, n)), d, out + k, n);
    });
  }
}

// With g the feature and z = (u - mean) / s: dg/du = -g z / s = -dg/dmean, dg/ds = g (z^2 - 1) / s.
void gaussian_rows_backward(const EdgeTables& edges, std::span<const float> means,
                            std::span<const float> widths, const float* distances,
                            const int32_t* edge_types, size_t pairs, const float* d_out, float* d_u,
                            float* d_means, float* d_widths) {
  const float root = static_cast<float>(std::sqrt(2 * 3.14159));
  for (size_t p = 0; p < pairs; ++p, d_out += means.size()) {
    const float u = argument(edges, edge_types[p], distances[p]);
    d_u[p] = reduce_sum(means.size(), [&](auto d, size_t k, size_t n) {
      const auto width =
          hn::IfThenElse(hn::FirstN(d, n), load(d, widths.data() + k, n), hn::Set(d, 1));
      const auto z = hn::Div(hn::Sub(hn::Set(d, u), load(d, means.data() + k, n)), width);
      const auto e = hn::Exp(d, hn::Mul(hn::Set(d, -0.5f), hn::Mul(z, z)));
      const auto feature = hn::Div(e, hn::Mul(hn::Set(d, root), width));
      const auto share = hn::Div(hn::Mul(load(d, d_out + k, n), feature), width);
      const auto along = hn::Mul(share, z);
      store(hn::Add(load(d, d_means + k, n), along), d, d_means + k, n);
      const auto across = hn::Mul(share, hn::Sub(hn::Mul(z, z), hn::Set(d, 1)));
      store(hn::Add(load(d, d_widths + k, n), across), d, d_widths + k, n);
      return hn::Neg(along);
    });
  }
}

void edge_rows_backward(const EdgeTables& edges, const float* w_edge, const float* distances,
                        const int32_t* edge_types, size_t pairs, size_t width, const float* d_out,
                        float* d_u, float* d_rows) {
  for (size_t p = 0; p < pairs; ++p, d_out += width, d_rows += width) {
    const float u = argument(edges, edge_types[p], distances[p]);
    const float gate = 1.0f / (1.0f + std::exp(-u));
    const float* row = w_edge + size_t(edge_types[p]) * width;
    const float d_gate = reduce_sum(width, [&](auto d, size_t k, size_t n) {
      const auto g = load(d, d_out + k, n);
      store(hn::Mul(g, hn::Set(d, gate)), d, d_rows + k, n);
      return hn::Mul(g, load(d, row + k, n));
    });
    d_u[p] = d_gate * gate * (1.0f - gate);
  }
}

}  // namespace molrt::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace molrt {
HWY_EXPORT(gaussian_rows);
HWY_EXPORT(edge_rows);
HWY_EXPORT(gaussian_rows_backward);
HWY_EXPORT(edge_rows_backward);

void gaussian_features(const EdgeTables& edges, std::span<const float> means,
                       std::span<const float> widths, const float* distances,
                       const int32_t* edge_types, size_t pairs, float* out) {
  HWY_DYNAMIC_DISPATCH(gaussian_rows)
  (edges, means, widths, distances, edge_types, pairs, out);
}

void add_edge_features(const EdgeTables& edges, std::span<const float> w_edge,
                       const float* distances, const int32_t* edge_types, size_t pairs,
                       size_t width, float* out) {
  HWY_DYNAMIC_DISPATCH(edge_rows)
  (edges, w_edge.data(), distances, edge_types, pairs, width, out);
}

void gaussian_features_backward(const EdgeTables& edges, std::span<const float> means,
                                std::span<const float> widths, const float* distances,
                                const int32_t* edge_types, size_t pairs, const float* d_out,
                                float* d_u, float* d_means, float* d_widths) {
  HWY_DYNAMIC_DISPATCH(gaussian_rows_backward)
  (edges, means, widths, distances, edge_types, pairs, d_out, d_u, d_means, d_widths);
}

void add_edge_features_backward(const EdgeTables& edges, std::span<const float> w_edge,
                                const float* distances, const int32_t* edge_types, size_t pairs,
                                size_t width, const float* d_out, float* d_u, float* d_rows) {
  HWY_DYNAMIC_DISPATCH(edge_rows_backward)
  (edges, w_edge.data(), distances, edge_types, pairs, width, d_out, d_u, d_rows);
}

}  // namespace molrt
#endif
