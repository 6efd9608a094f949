#include "kernels/attention.h"

#include <algorithm>
#include <utility>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/attention.cpp"
#include <hwy/cache_control.h>
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/attention-inl.h"

HWY_BEFORE_NAMESPACE();
namespace molrt::HWY_NAMESPACE {

constexpr int row_block = 4;   // queries at a time
constexpr int usual_head = 8;  // columns

// One head's operands, copied where the vectors want them.
struct HeadOperands {
  // [head_size, stride]: transposed, so that a vector holds one component of many keys
  float* keys;
  float* values;  // [tokens, value_stride]: rows padded to whole vectors
  float* rows;    // [row_block, stride]: probabilities, not yet normalised
  float* scales;  // [stride]: dropout's
  float* sums;    // [row_block, value_stride]: rows of the context
  size_t stride, value_stride;
  float query_scale;
};

HWY_INLINE void gather_head(const AttentionShape& s, const float* qkv, int head, HeadOperands& o) {
  const int size = s.head_size();
  const float* keys = qkv + s.width + head * size;
  const float* values = keys + s.width;
  for (int j = 0; j < s.tokens; ++j, keys += 3 * s.width, values += 3 * s.width) {
    const float* next = keys + size;  // which no prefetcher would guess
    for (const float* line : {next - s.width, next, next + s.width}) hwy::Prefetch(line);
    for (int c = 0; c < size; ++c) o.keys[c * o.stride + j] = keys[c];
    float* row = o.values + j * o.value_stride;
    if (size == usual_head)
      std::copy_n(values, usual_head, row);
    else
      std::copy_n(values, size, row);
  }
}

// logits = query . keys + bias; their maximum is returned. `Size`: the head's, where the compiler
// may know it; its loops are then open, and the query stays in registers.
template <int Size>
HWY_INLINE float logits_row(const float* query, int any_size, const HeadOperands& o,
                            const float* bias, float* logits) {
  const Tag d;
  const int size = Size > 0 ? Size : any_size;
  hn::Vec<Tag> scaled[Size > 0 ? Size : 1];
  for (int c = 0; c < Size; ++c) scaled[c] = hn::Set(d, query[c] * o.query_scale);
  auto largest = hn::Set(d, -INFINITY);
  for (size_t j = 0; j < o.stride; j += hn::Lanes(d)) {
    auto dot = hn::Zero(d);
    for (int c = 0; c < size; ++c)
      dot = hn::MulAdd(Size > 0 ? scaled[Size > 0 ? c : 0] : hn::Set(d, query[c] * o.query_scale),
                       hn::Load(d, o.keys + c * o.stride + j), dot);
    const auto logit = hn::Add(dot, hn::Load(d, bias + j));
    hn::Store(logit, d, logits + j);
    largest = hn::Max(largest, logit);
  }
  return hn::GetLane(hn::MaxOfLanes(d, largest));
}

// Of `Rows` queries, whose sums do not wait for each other; each is summed in the keys' order.
template <int Rows>
HWY_INLINE void context_rows(const AttentionShape& s, const float* normalisers,
                             const HeadOperands& o, float* context) {
  const hn::CappedTag<float, usual_head> d;
  const int size = s.head_size();
  for (int c = 0; c < size; c += static_cast<int>(hn::Lanes(d))) {
    hn::Vec<decltype(d)> sums[Rows];
    for (auto& sum : sums) sum = hn::Zero(d);
    for (int j = 0; j < s.tokens; ++j) {
      const auto values = hn::Load(d, o.values + j * o.value_stride + c);
      for (int r = 0; r < Rows; ++r)
        sums[r] = hn::MulAdd(hn::Set(d, o.rows[r * o.stride + j]), values, sums[r]);
    }
    for (int r = 0; r < Rows; ++r)
      hn::Store(hn::Mul(sums[r], hn::Set(d, normalisers[r])), d, o.sums + r * o.value_stride + c);
  }
  for (int r = 0; r < Rows; ++r)
    std::copy_n(o.sums + r * o.value_stride, size, context + size_t(r) * s.width);
}

HeadOperands forward_operands(const AttentionShape& s, Buffer& scratch) {
  HeadOperands o;
  o.stride = s.pair_stride();
  o.value_stride = (s.head_size() + 15) / 16 * 16;
  o.query_scale = 1.0f / std::sqrt(static_cast<float>(s.head_size()));
  const size_t keys = s.head_size() * o.stride, values = s.tokens * o.value_stride;
  o.keys = scratch.resize(keys + values + (row_block + 1) * o.stride + row_block * o.value_stride);
  o.values = o.keys + keys;
  o.rows = o.values + values;
  o.scales = o.rows + row_block * o.stride;
  o.sums = o.scales + o.stride;
  std::fill(o.keys, o.keys + keys + values, 0.0f);
  return o;
}

// A query's logits, and its probabilities in `row` but for the factor that is returned.
HWY_INLINE float probabilities_row(const AttentionShape& s, int head, int i, const float* qkv,
                                   const float* bias, float* logits, const AttentionNoise& noise,
                                   DropoutRows& rows, const HeadOperands& o, float* row) {
  const float* query = qkv + size_t(3) * s.width * i + head * s.head_size();
  const float largest = s.head_size() == usual_head
                            ? logits_row<usual_head>(query, usual_head, o, bias, logits)
                            : logits_row<0>(query, s.head_size(), o, bias, logits);
  const uint16_t* dropped = dropped_row(s, head, i, noise);
  const float sum = dropped ? kept_exponentials_row(logits, dropped, o.stride, row)
                            : exponentials_row(logits, largest, o.stride, row);
  if (noise.dropout) {
    rows.row(head, i, o.scales);
    multiply_row(o.scales, o.stride, row);
  }
  return 1.0f / sum;
}

void attend(const AttentionShape& s, const AttentionPart& part, const float* qkv, const float* bias,
            float* logits, const AttentionNoise& noise, float* context, Buffer& scratch) {
  HeadOperands o = forward_operands(s, scratch);
  DropoutRows rows(s, noise.dropout);
  float normalisers[row_block];
  for (int head = part.first_head; head < part.last_head; ++head) {
    gather_head(s, qkv, head, o);
    for (int i = 0, r = 0; i < part.queries; ++i) {
      const size_t row = (size_t(head) * s.tokens + i) * o.stride;
      normalisers[r] = probabilities_row(s, head, i, qkv, bias + row, logits + row, noise, rows, o,
                                         o.rows + r * o.stride);
      ++r;
      if (r < row_block && i + 1 < part.queries) continue;
      float* first = context + size_t(s.width) * (i + 1 - r) + head * s.head_size();
      switch (std::exchange(r, 0)) {
        case 4:
          context_rows<4>(s, normalisers, o, first);
          break;
        case 3:
          context_rows<3>(s, normalisers, o, first);
          break;
        case 2:
          context_rows<2>(s, normalisers, o, first);
          break;
        default:
          context_rows<1>(s, normalisers, o, first);
      }
    }
  }
}

// One head's operands and gradients, transposed: [head_size, stride], 0 in padding columns.
struct BackwardOperands {
  float *keys, *values, *d_keys, *d_values;
  float *probabilities, *d_row, *scales;  // [stride], of one query
  size_t stride;
};

BackwardOperands backward_operands(const AttentionShape& s, const float* qkv, int head,
                                   Buffer& scratch) {
  BackwardOperands o;
  o.stride = s.pair_stride();
  const size_t matrix = s.head_size() * o.stride;
  o.keys = scratch.resize(4 * matrix + 3 * o.stride);
  o.values = o.keys + matrix;
  o.d_keys = o.values + matrix;
  o.d_values = o.d_keys + matrix;
  o.probabilities = o.d_values + matrix;
  o.d_row = o.probabilities + o.stride;
  o.scales = o.d_row + o.stride;
  std::fill(o.keys, o.probabilities, 0.0f);
  const float* keys = qkv + s.width + head * s.head_size();
  transpose_columns(s, keys, o.keys);
  transpose_columns(s, keys + s.width, o.values);
  return o;
}

// d_logits += P (d_P - P . d_P), where d_P is in o.d_row; the sum also stays there.
HWY_INLINE void softmax_backward(const BackwardOperands& o, float* d_logits) {
  const Tag d;
  const auto mean = hn::Set(d, dot_rows(o.probabilities, o.d_row, o.stride));
  for (size_t j = 0; j < o.stride; j += hn::Lanes(d)) {
    const auto change = hn::Sub(hn::Load(d, o.d_row + j), mean);
    const auto whole =
        hn::MulAdd(hn::Load(d, o.probabilities + j), change, hn::Load(d, d_logits + j));
    hn::Store(whole, d, d_logits + j);
    hn::Store(whole, d, o.d_row + j);
  }
}

HWY_INLINE void scatter_head(const AttentionShape& s, int head, const BackwardOperands& o,
                             float* d_qkv) {
  float* d_keys = d_qkv + s.width + head * s.head_size();
  for (int j = 0; j < s.tokens; ++j, d_keys += 3 * s.width)
    for (int c = 0; c < s.head_size(); ++c) {
      d_keys[c] = o.d_keys[c * o.stride + j];
      d_keys[s.width + c] = o.d_values[c * o.stride + j];
    }
}

void attend_backward(const AttentionShape& s, int head, const float* qkv, const float* logits,
                     const AttentionNoise& noise, const float* d_context, float* d_logits,
                     float* d_qkv, Buffer& scratch) {
  const int size = s.head_size();
  const float scale = 1.0f / std::sqrt(static_cast<float>(size));
  const BackwardOperands o = backward_operands(s, qkv, head, scratch);
  DropoutRows rows(s, noise.dropout);
  for (int i = 0; i < s.tokens; ++i) {
    const size_t row = (size_t(head) * s.tokens + i) * o.stride;
    const float* d_out = d_context + size_t(s.width) * i + head * size;
    softmax_row(logits + row, dropped_row(s, head, i, noise), o.stride, o.probabilities);
    combine_rows(d_out, o.values, size, o.stride, o.d_row);
    if (noise.dropout) {
      rows.row(head, i, o.scales);
      multiply_row(o.scales, o.stride, o.d_row);
      multiply_row(o.probabilities, o.stride, o.scales);  // what the values were weighted with
    }
    add_outer(d_out, 1.0f, noise.dropout ? o.scales : o.probabilities, size, o.stride, o.d_values);
    softmax_backward(o, d_logits + row);
    const size_t query = size_t(3) * s.width * i + head * size;
    for (int c = 0; c < size; ++c)
      d_qkv[query + c] = scale * dot_rows(o.d_row, o.keys + c * o.stride, o.stride);
    add_outer(qkv + query, scale, o.d_row, size, o.stride, o.d_keys);
  }
  scatter_head(s, head, o, d_qkv);
}

}  // namespace molrt::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace molrt {
HWY_EXPORT(attend);
HWY_EXPORT(attend_backward);

void attention(const AttentionShape& shape, const AttentionPart& part, const float* qkv,
               const float* bias, float* logits, const AttentionNoise& noise, float* context,
               Buffer& scratch) {
  HWY_DYNAMIC_DISPATCH(attend)(shape, part, qkv, bias, logits, noise, context, scratch);
}

void attention(const AttentionShape& shape, const float* qkv, const float* bias, float* logits,
               const AttentionNoise& noise, float* context, Buffer& scratch) {
  attention(shape, {0, shape.heads, shape.tokens}, qkv, bias, logits, noise, context, scratch);
}

void attention_head_backward(const AttentionShape& shape, int head, const float* qkv,
                             const float* logits, const AttentionNoise& noise,
                             const float* d_context, float* d_logits, float* d_qkv,
                             Buffer& scratch) {
  HWY_DYNAMIC_DISPATCH(attend_backward)
  (shape, head, qkv, logits, noise, d_context, d_logits, d_qkv, scratch);
}

}  // namespace molrt
#endif
