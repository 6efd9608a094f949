// Per-target include: rows of attention matrices, which are padded to whole vectors.
#if defined(MOLRT_ATTENTION_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef MOLRT_ATTENTION_INL_H_
#undef MOLRT_ATTENTION_INL_H_
#else
#define MOLRT_ATTENTION_INL_H_
#endif

#include <hwy/highway.h>
// Highway's headers come first.
#include <hwy/contrib/math/math-inl.h>

#include <algorithm>
#include <cmath>

#include "kernels/attention.h"

HWY_BEFORE_NAMESPACE();
namespace molrt::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// A pair row is padded to 16 columns, so no vector may be longer.
using Tag = hn::CappedTag<float, 16>;

HWY_INLINE float largest_of(const float* logits, size_t stride) {
  const Tag d;
  auto largest = hn::Set(d, -INFINITY);
  for (size_t j = 0; j < stride; j += hn::Lanes(d))
    largest = hn::Max(largest, hn::Load(d, logits + j));
  return hn::GetLane(hn::MaxOfLanes(d, largest));
}

// exp(logits - largest) into the row; their sum is returned. Padding columns give exp(-inf) = 0.
HWY_INLINE float exponentials_row(const float* logits, float largest, size_t stride, float* row) {
  const Tag d;
  auto sum = hn::Zero(d);
  for (size_t j = 0; j < stride; j += hn::Lanes(d)) {
    const auto e = hn::Exp(d, hn::Sub(hn::Load(d, logits + j), hn::Set(d, largest)));
    hn::Store(e, d, row + j);
    sum = hn::Add(sum, e);
  }
  return hn::GetLane(hn::SumOfLanes(d, sum));
}

// -infinity for the dropped keys' logits.
HWY_INLINE void mask_row(const float* logits, const uint16_t* dropped, size_t stride, float* row) {
  const Tag d;
  for (size_t j = 0; j < stride; j += hn::Lanes(d)) {
    const unsigned word = dropped[j / 16] >> (j % 16);
    const uint8_t bits[8] = {static_cast<uint8_t>(word), static_cast<uint8_t>(word >> 8)};
    const auto logit = hn::Load(d, logits + j);
    hn::Store(hn::IfThenElse(hn::LoadMaskBits(d, bits), hn::Set(d, -INFINITY), logit), d, row + j);
  }
}

// The largest logit is that of the keys that stay: the exponentials of all of them might vanish
// beside a dropped one's.
HWY_INLINE float kept_exponentials_row(const float* logits, const uint16_t* dropped, size_t stride,
                                       float* row) {
  if (dropped) mask_row(logits, dropped, stride, row);
  const float* kept = dropped ? row : logits;
  return exponentials_row(kept, largest_of(kept, stride), stride, row);
}

// The mask of a query; null without dropped keys.
HWY_INLINE const uint16_t* dropped_row(const AttentionShape& s, int head, int i,
                                       const AttentionNoise& noise) {
  if (!noise.dropped) return nullptr;
  return noise.dropped + (size_t(head) * s.tokens + i) * s.mask_stride();
}

HWY_INLINE void multiply_row(const float* factors, size_t stride, float* row) {
  const Tag d;
  for (size_t j = 0; j < stride; j += hn::Lanes(d))
    hn::Store(hn::Mul(hn::Load(d, row + j), hn::Load(d, factors + j)), d, row + j);
}

// The scales of the rows' probabilities, element (head, i, j) of the molecule; several rows are
// drawn at a time, as short ones would fill the generator's vectors badly.
class DropoutRows {
 public:
  // Without dropout: null, and no rows.
  DropoutRows(const AttentionShape& s, const DropoutStream* dropout)
      : shape_(s), dropout_(dropout) {}

  // scales [stride]: 0 in padding columns.
  void row(int head, int i, float* scales) {
    const auto keys = static_cast<uint64_t>(shape_.tokens);
    const uint64_t begin = (uint64_t(head) * keys + i) * keys;
    if (keys > most - 4) {
      dropout_scales(*dropout_, begin, keys, scales);
    } else {
      if (begin < first_ || begin + keys > last_) draw(begin, (uint64_t(head) + 1) * keys * keys);
      std::copy_n(drawn_ + (begin - first_), keys, scales);
    }
    std::fill(scales + keys, scales + shape_.pair_stride(), 0.0f);
  }

 private:
  static constexpr uint64_t most = 1024;
  void draw(uint64_t begin, uint64_t end_of_head) {
    first_ = begin / 4 * 4;
    last_ = std::min(first_ + most, end_of_head);
    dropout_scales(*dropout_, first_, last_ - first_, drawn_);
  }

  const AttentionShape& shape_;
  const DropoutStream* dropout_;
  uint64_t first_ = 0, last_ = 0;  // elements that are drawn
  float drawn_[most];
};

// `probabilities` may be `logits`.
HWY_INLINE void softmax_row(const float* logits, const uint16_t* dropped, size_t stride,
                            float* probabilities) {
  const Tag d;
  const float sum = kept_exponentials_row(logits, dropped, stride, probabilities);
  for (size_t j = 0; j < stride; j += hn::Lanes(d))
    hn::Store(hn::Mul(hn::Load(d, probabilities + j), hn::Set(d, 1.0f / sum)), d,
              probabilities + j);
}

// row = sum over c of vector[c] matrix[c, :]
HWY_INLINE void combine_rows(const float* vector, const float* matrix, int size, size_t stride,
                             float* row) {
  const Tag d;
  for (size_t j = 0; j < stride; j += hn::Lanes(d)) {
    auto sum = hn::Zero(d);
    for (int c = 0; c < size; ++c)
      sum = hn::MulAdd(hn::Set(d, vector[c]), hn::Load(d, matrix + c * stride + j), sum);
    hn::Store(sum, d, row + j);
  }
}

// matrix[c, :] += vector[c] row
HWY_INLINE void add_outer(const float* vector, float factor, const float* row, int size,
                          size_t stride, float* matrix) {
  const Tag d;
  for (int c = 0; c < size; ++c)
    for (size_t j = 0; j < stride; j += hn::Lanes(d)) {
      float* at = matrix + c * stride + j;
      hn::Store(hn::MulAdd(hn::Set(d, vector[c] * factor), hn::Load(d, row + j), hn::Load(d, at)),
                d, at);
    }
}

HWY_INLINE float dot_rows(const float* a, const float* b, size_t stride) {
  const Tag d;
  auto sum = hn::Zero(d);
  for (size_t j = 0; j < stride; j += hn::Lanes(d))
    sum = hn::MulAdd(hn::Load(d, a + j), hn::Load(d, b + j), sum);
  return hn::GetLane(hn::SumOfLanes(d, sum));
}

// A head's columns of queries, keys or values [tokens, 3 width] -> [head_size, stride], whose
// padding columns are left as they are.
HWY_INLINE void transpose_columns(const AttentionShape& s, const float* columns, float* rows) {
  for (int j = 0; j < s.tokens; ++j, columns += 3 * s.width)
    for (int c = 0; c < s.head_size(); ++c) rows[c * s.pair_stride() + j] = columns[c];
}

}  // namespace molrt::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
