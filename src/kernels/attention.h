#pragma once
// Self-attention of one molecule with a pair bias that flows from layer to layer
// (spec: model.md section 3, Encoder).
#include <cstddef>

#include "base/buffer.h"

namespace molrt {

struct AttentionShape {
  int tokens;  // n, of one molecule
  int width;
  int heads;  // head_size = width / heads columns each, consecutive
  int head_size() const { return width / heads; }
  // Rows of the pair matrices are padded to whole vectors; padding columns hold -infinity.
  size_t pair_stride() const { return (static_cast<size_t>(tokens) + 15) / 16 * 16; }
  size_t pair_size() const { return size_t(heads) * tokens * pair_stride(); }
};

// qkv [tokens, 3 width]: queries, keys, values, not yet scaled.
// pair [heads, tokens, pair_stride]: in, the pair bias; out, the logits
//   q k^T / sqrt(head_size) + bias, which are the next layer's pair bias.
// context [tokens, width]: softmax(logits) v.
void attention(const AttentionShape& shape, const float* qkv, float* pair, float* context,
               Buffer& scratch);

}  // namespace molrt
