#pragma once
// What an attribution sees of the attention (spec: regularisers.md 7.2).
#include <functional>
#include <span>

#include "kernels/attention.h"

namespace molrt {

// One head of one molecule in one layer. The matrices [n, pair_stride] have 0 in padding columns
// and live until the visitor returns.
struct HeadAttention {
  int layer;
  size_t molecule;  // its place in the batch
  int head;
  AttentionShape shape;
  // A, by which the values were multiplied: after dropout; null where it is not wanted.
  const float* attention;
  const float* gradient;  // dt/dA; null where there is no way back
};

// Whether a visitor of gradients sees A, too, which has to be computed again.
enum class Shown { all, gradient };

// Called once for every head, in no order, from any thread.
using AttentionVisitor = std::function<void(const HeadAttention&)>;

// Layers whose attention is wanted: in ascending order, at least one, none of them frozen.
using AttributedLayers = std::span<const int>;

}  // namespace molrt
