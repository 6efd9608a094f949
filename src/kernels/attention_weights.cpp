#include "kernels/attention_weights.h"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/attention_weights.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/attention-inl.h"

HWY_BEFORE_NAMESPACE();
namespace molrt::HWY_NAMESPACE {

// [head_size, stride], of zeros.
float* head_matrix(const AttentionShape& s, Buffer& scratch) {
  const size_t count = s.head_size() * s.pair_stride();
  float* matrix = scratch.resize(count);
  std::fill(matrix, matrix + count, 0.0f);
  return matrix;
}

float* transposed_values(const AttentionShape& s, int head, const float* qkv, Buffer& scratch) {
  float* values = head_matrix(s, scratch);
  transpose_columns(s, qkv + 2 * s.width + head * s.head_size(), values);
  return values;
}

void weights_of(const AttentionShape& s, int head, const float* logits, const AttentionNoise& noise,
                float* weights, Buffer& scratch) {
  const size_t stride = s.pair_stride();
  float* scales = scratch.resize(stride);
  DropoutRows rows(s, noise.dropout);
  logits += size_t(head) * s.tokens * stride;
  for (int i = 0; i < s.tokens; ++i, logits += stride, weights += stride) {
    softmax_row(logits, dropped_row(s, head, i, noise), stride, weights);
    if (!noise.dropout) continue;
    rows.row(head, i, scales);
    multiply_row(scales, stride, weights);
  }
}

void gradient_of(const AttentionShape& s, int head, const float* qkv, const float* d_context,
                 float* d_weights, Buffer& scratch) {
  const float* values = transposed_values(s, head, qkv, scratch);
  d_context += head * s.head_size();
  for (int i = 0; i < s.tokens; ++i, d_context += s.width, d_weights += s.pair_stride())
    combine_rows(d_context, values, s.head_size(), s.pair_stride(), d_weights);
}

void apply(const AttentionShape& s, int head, const float* qkv, const float* weights, float scale,
           float* context, Buffer& scratch) {
  const float* values = transposed_values(s, head, qkv, scratch);
  const size_t stride = s.pair_stride();
  context += head * s.head_size();
  for (int i = 0; i < s.tokens; ++i, context += s.width, weights += stride)
    for (int c = 0; c < s.head_size(); ++c)
      context[c] = scale * dot_rows(weights, values + c * stride, stride);
}

void apply_backward(const AttentionShape& s, int head, const float* weights, float scale,
                    const float* d_context, float* d_values, Buffer& scratch) {
  float* sums = head_matrix(s, scratch);
  const size_t stride = s.pair_stride();
  d_context += head * s.head_size();
  for (int i = 0; i < s.tokens; ++i, d_context += s.width, weights += stride)
    add_outer(d_context, scale, weights, s.head_size(), stride, sums);
  d_values += head * s.head_size();
  for (int j = 0; j < s.tokens; ++j, d_values += s.width)
    for (int c = 0; c < s.head_size(); ++c) d_values[c] = sums[c * stride + j];
}

}  // namespace molrt::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace molrt {
HWY_EXPORT(weights_of);
HWY_EXPORT(gradient_of);
HWY_EXPORT(apply);
HWY_EXPORT(apply_backward);

void attention_weights(const AttentionShape& shape, int head, const float* logits,
                       const AttentionNoise& noise, float* weights, Buffer& scratch) {
  HWY_DYNAMIC_DISPATCH(weights_of)(shape, head, logits, noise, weights, scratch);
}

void attention_weights_gradient(const AttentionShape& shape, int head, const float* qkv,
                                const float* d_context, float* d_weights, Buffer& scratch) {
  HWY_DYNAMIC_DISPATCH(gradient_of)(shape, head, qkv, d_context, d_weights, scratch);
}

void apply_weights(const AttentionShape& shape, int head, const float* qkv, const float* weights,
                   float scale, float* context, Buffer& scratch) {
  HWY_DYNAMIC_DISPATCH(apply)(shape, head, qkv, weights, scale, context, scratch);
}

void apply_weights_backward(const AttentionShape& shape, int head, const float* weights,
                            float scale, const float* d_context, float* d_values, Buffer& scratch) {
  HWY_DYNAMIC_DISPATCH(apply_backward)(shape, head, weights, scale, d_context, d_values, scratch);
}

}  // namespace molrt
#endif
