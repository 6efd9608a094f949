#pragma once
// The parts of the pair kernels that are not matrix products (spec: model.md section 3, Pair bias).
// A pair (i, j) has a distance d (Angstrom) and an edge type e; `mul` and `bias` are tables over
// edge types [V*V]; u = mul[e] * d + bias[e].
#include <cstddef>
#include <cstdint>
#include <span>

namespace molrt {

struct EdgeTables {
  std::span<const float> mul;   // [V*V]
  std::span<const float> bias;  // [V*V]
};

// Gaussian: out[p, k] = exp(-((u - mean_k) / s_k)^2 / 2) / (sqrt(2 * 3.14159) s_k), where `widths`
// holds s_k = |std_k| + 1e-5. out [pairs, K].
void gaussian_features(const EdgeTables& edges, std::span<const float> means,
                       std::span<const float> widths, const float* distances,
                       const int32_t* edge_types, size_t pairs, float* out);

// d_out [pairs, K] -> d_u [pairs] is overwritten; d_means and d_widths [K] are added to.
void gaussian_features_backward(const EdgeTables& edges, std::span<const float> means,
                                std::span<const float> widths, const float* distances,
                                const int32_t* edge_types, size_t pairs, const float* d_out,
                                float* d_u, float* d_means, float* d_widths);

// Linear (NumericalEmbed): out[p, k] += w_edge[e, k] * sigmoid(u). out [pairs, K], w_edge [V*V, K].
void add_edge_features(const EdgeTables& edges, std::span<const float> w_edge,
                       const float* distances, const int32_t* edge_types, size_t pairs,
                       size_t width, float* out);

// d_out [pairs, K] -> d_u [pairs] and d_rows [pairs, K], the gradient of w_edge's row e, are
// overwritten.
void add_edge_features_backward(const EdgeTables& edges, std::span<const float> w_edge,
                                const float* distances, const int32_t* edge_types, size_t pairs,
                                size_t width, const float* d_out, float* d_u, float* d_rows);

}  // namespace molrt
