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

void gaussian_rows(const EdgeTables& edges, std::span<const float> means,
                   std::span<const float> widths, const float* distances, const int32_t* edge_types,
                   size_t pairs, float* out) {
  const float root = static_cast<float>(std::sqrt(2 * 3.14159));  // the peer's literal pi
  for (size_t p = 0; p < pairs; ++p, out += means.size()) {
    const float u = edges.mul[edge_types[p]] * distances[p] + edges.bias[edge_types[p]];
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
    const float u = edges.mul[edge_types[p]] * distances[p] + edges.bias[edge_types[p]];
    const float gate = 1.0f / (1.0f + std::exp(-u));
    const float* row = w_edge + size_t(edge_types[p]) * width;
    for_lanes(width, [&](auto d, size_t k, size_t n) {
      store(hn::MulAdd(load(d, row + k, n), hn::Set(d, gate), load(d, out + k, n)), d, out + k, n);
    });
  }
}

}  // namespace molrt::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace molrt {
HWY_EXPORT(gaussian_rows);
HWY_EXPORT(edge_rows);

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

}  // namespace molrt
#endif
