#pragma once
// Attention as a matrix: what an attribution to its weights needs (spec: regularisers.md 7). Of one
// head: A [tokens, pair_stride], by which the values are multiplied, and its gradient.
#include "kernels/attention.h"

namespace molrt {

// A = dropout(softmax(logits)) without the dropped keys, 0 in padding columns. logits [heads,
// tokens, pair_stride]; `weights` may be the head's part of them.
void attention_weights(const AttentionShape& shape, int head, const float* logits,
                       const AttentionNoise& noise, float* weights, Buffer& scratch);

// dA = d_context V^T, 0 in padding columns. d_context [tokens, width].
void attention_weights_gradient(const AttentionShape& shape, int head, const float* qkv,
                                const float* d_context, float* d_weights, Buffer& scratch);

// The head's columns of context [tokens, width] = scale A V, for an A that depends on nothing.
void apply_weights(const AttentionShape& shape, int head, const float* qkv, const float* weights,
                   float scale, float* context, Buffer& scratch);

// The head's columns of d_values [tokens, width] = scale A^T d_context.
void apply_weights_backward(const AttentionShape& shape, int head, const float* weights,
                            float scale, const float* d_context, float* d_values, Buffer& scratch);

}  // namespace molrt
