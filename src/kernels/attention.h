#pragma once
// Self-attention of one molecule with a pair bias that flows from layer to layer
// (spec: model.md section 3, Encoder).
#include <cstddef>
#include <cstdint>

#include "base/buffer.h"
#include "kernels/dropout.h"

namespace molrt {

struct AttentionShape {
  int tokens;  // n, of one molecule
  int width;
  int heads;  // head_size = width / heads columns each, consecutive
  int head_size() const { return width / heads; }
  // Rows of the pair matrices are padded to whole vectors; padding columns hold -infinity.
  size_t pair_stride() const { return (static_cast<size_t>(tokens) + 15) / 16 * 16; }
  size_t head_pairs() const { return size_t(tokens) * pair_stride(); }
  size_t pair_size() const { return heads * head_pairs(); }
  // A key mask has a bit for every column of a pair row: key j's is bit j % 16 of word j / 16.
  size_t mask_stride() const { return pair_stride() / 16; }
  size_t mask_size() const { return size_t(heads) * tokens * mask_stride(); }
};

// What training does to one molecule's probabilities. The logits never know of it.
struct AttentionNoise {
  const DropoutStream* dropout = nullptr;  // on the probabilities, which are not renormalised
  // [heads, tokens, mask_stride]: set bits are keys that the softmax is taken without; at least one
  // key of every row stays.
  const uint16_t* dropped = nullptr;
};

// qkv [tokens, 3 width]: queries, keys, values, not yet scaled.
// bias [heads, tokens, pair_stride]: the pair bias.
// logits [heads, tokens, pair_stride]: q k^T / sqrt(head_size) + bias, which are the next layer's
//   pair bias; may be `bias`.
// context [tokens, width]: dropout(softmax(logits)) v.
void attention(const AttentionShape& shape, const float* qkv, const float* bias, float* logits,
               const AttentionNoise& noise, float* context, Buffer& scratch);

// Heads that a thread takes of a molecule, which write to different places, and how many of the
// queries, from the first one on.
struct AttentionPart {
  int first_head, last_head, queries;
};
void attention(const AttentionShape& shape, const AttentionPart& part, const float* qkv,
               const float* bias, float* logits, const AttentionNoise& noise, float* context,
               Buffer& scratch);

// The way back, of one head. qkv, logits and noise are those of the forward pass.
// d_context [tokens, width]
// d_logits [heads, tokens, pair_stride]: in, the gradient of the logits as the next layer's pair
//   bias, 0 in padding columns; out, the whole gradient of the logits, which is that of `bias`.
// d_qkv [tokens, 3 width]: the head's columns are overwritten.
void attention_head_backward(const AttentionShape& shape, int head, const float* qkv,
                             const float* logits, const AttentionNoise& noise,
                             const float* d_context, float* d_logits, float* d_qkv,
                             Buffer& scratch);

}  // namespace molrt
