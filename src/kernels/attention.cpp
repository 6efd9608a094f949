#include "kernels/attention.h"

#include <algorithm>
#include <cmath>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/attention.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// Highway's headers come first.
#include <hwy/contrib/math/math-inl.h>

#include "kernels/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace molrt::HWY_NAMESPACE {

// A pair row is padded to 16 columns, so no vector may be longer.
using Tag = hn::CappedTag<float, 16>;

// One head's operands, copied where the vectors want them.
struct HeadOperands {
  float*
      keys;  // [head_size, stride]: transposed, so that a vector holds one component of many keys
  float* values;  // [tokens, value_stride]: rows padded to whole vectors
  float* row;     // [stride]: a row of probabilities, not yet normalised
  float* sum;     // [value_stride]: a row of the context
  size_t stride, value_stride;
};

HWY_INLINE void gather_head(const AttentionShape& s, const float* qkv, int head, HeadOperands& o) {
  const int size = s.head_size();
  const float* keys = qkv + s.width + head * size;
  const float* values = keys + s.width;
  for (int j = 0; j < s.tokens; ++j)
    for (int c = 0; c < size; ++c) {
      o.keys[c * o.stride + j] = keys[size_t(3) * s.width * j + c];
      o.values[j * o.value_stride + c] = values[size_t(3) * s.width * j + c];
    }
}

// logits = query . keys + bias, written over the bias; their maximum is returned.
HWY_INLINE float logits_row(const float* query, int size, float scale, const HeadOperands& o,
                            float* pair) {
  const Tag d;
  auto largest = hn::Set(d, -INFINITY);
  for (size_t j = 0; j < o.stride; j += hn::Lanes(d)) {
    auto dot = hn::Zero(d);
    for (int c = 0; c < size; ++c)
      dot = hn::MulAdd(hn::Set(d, query[c] * scale), hn::Load(d, o.keys + c * o.stride + j), dot);
    const auto logit = hn::Add(dot, hn::Load(d, pair + j));
    hn::Store(logit, d, pair + j);
    largest = hn::Max(largest, logit);
  }
  return hn::GetLane(hn::MaxOfLanes(d, largest));
}

// exp(logits - largest) into the row; their sum is returned. Padding columns give exp(-inf) = 0.
HWY_INLINE float exponentials_row(const float* logits, float largest, const HeadOperands& o) {
  const Tag d;
  auto sum = hn::Zero(d);
  for (size_t j = 0; j < o.stride; j += hn::Lanes(d)) {
    const auto e = hn::Exp(d, hn::Sub(hn::Load(d, logits + j), hn::Set(d, largest)));
    hn::Store(e, d, o.row + j);
    sum = hn::Add(sum, e);
  }
  return hn::GetLane(hn::SumOfLanes(d, sum));
}

HWY_INLINE void context_row(int tokens, int size, float normaliser, const HeadOperands& o,
                            float* context) {
  const hn::CappedTag<float, 8> d;  // the usual head has 8 columns
  for (int c = 0; c < size; c += static_cast<int>(hn::Lanes(d))) {
    auto sum = hn::Zero(d);
    for (int j = 0; j < tokens; ++j)
      sum = hn::MulAdd(hn::Set(d, o.row[j]), hn::Load(d, o.values + j * o.value_stride + c), sum);
    hn::Store(hn::Mul(sum, hn::Set(d, normaliser)), d, o.sum + c);
  }
  std::copy(o.sum, o.sum + size, context);
}

HWY_INLINE void attend_head(const AttentionShape& s, const float* qkv, int head, HeadOperands& o,
                            float* pair, float* context) {
  const int size = s.head_size();
  const float scale = 1.0f / std::sqrt(static_cast<float>(size));
  gather_head(s, qkv, head, o);
  for (int i = 0; i < s.tokens; ++i) {
    float* logits = pair + (size_t(head) * s.tokens + i) * o.stride;
    const float* query = qkv + size_t(3) * s.width * i + head * size;
    const float largest = logits_row(query, size, scale, o, logits);
    const float sum = exponentials_row(logits, largest, o);
    context_row(s.tokens, size, 1.0f / sum, o, context + size_t(s.width) * i + head * size);
  }
}

void attend(const AttentionShape& s, const float* qkv, float* pair, float* context,
            Buffer& scratch) {
  HeadOperands o;
  o.stride = s.pair_stride();
  o.value_stride = (s.head_size() + 15) / 16 * 16;
  const size_t keys = s.head_size() * o.stride, values = s.tokens * o.value_stride;
  o.keys = scratch.resize(keys + values + o.stride + o.value_stride);
  o.values = o.keys + keys;
  o.row = o.values + values;
  o.sum = o.row + o.stride;
  std::fill(o.keys, o.keys + keys + values, 0.0f);
  for (int head = 0; head < s.heads; ++head) attend_head(s, qkv, head, o, pair, context);
}

}  // namespace molrt::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace molrt {
HWY_EXPORT(attend);

void attention(const AttentionShape& shape, const float* qkv, float* pair, float* context,
               Buffer& scratch) {
  HWY_DYNAMIC_DISPATCH(attend)(shape, qkv, pair, context, scratch);
}

}  // namespace molrt
#endif
