#pragma once
// The pairs (query i, key j) of one molecule's tokens, row by row, in chunks that stay in cache.
#include <cmath>

#include "kernels/attention.h"
#include "kernels/matmul.h"
#include "nn/workspace.h"

namespace molrt {

constexpr size_t pair_chunk = 10 * row_tile;  // pairs

struct PairRange {
  size_t first, count;  // of the n * n pairs
};

// In double precision, as the peer's SciPy does it, then rounded.
inline float pair_distance(const float* a, const float* b) {
  const double x = double{a[0]} - b[0], y = double{a[1]} - b[1], z = double{a[2]} - b[2];
  return static_cast<float>(std::sqrt(x * x + y * y + z * z));
}

// distances, edge_types [count]
inline void describe_pairs(const int32_t* tokens, const float* coordinates, size_t n,
                           int vocabulary, PairRange range, float* distances, int32_t* edge_types) {
  for (size_t p = 0; p < range.count; ++p) {
    const size_t i = (range.first + p) / n, j = (range.first + p) % n;
    distances[p] = pair_distance(coordinates + 3 * i, coordinates + 3 * j);
    edge_types[p] = tokens[i] * vocabulary + tokens[j];
  }
}

// body(element of rows [count, heads], element of pair [heads, n, pair_stride]) for every pair and
// head: one way it scatters, the other it gathers.
template <typename Rows, typename Pair, typename Body>
void match_heads(const AttentionShape& shape, PairRange range, Rows* rows, Pair* pair,
                 const Body& body) {
  const size_t n = shape.tokens, heads = shape.heads, stride = shape.pair_stride();
  for (size_t p = 0; p < range.count; ++p) {
    const size_t i = (range.first + p) / n, j = (range.first + p) % n;
    for (size_t h = 0; h < heads; ++h) body(rows[p * heads + h], pair[(h * n + i) * stride + j]);
  }
}

}  // namespace molrt
