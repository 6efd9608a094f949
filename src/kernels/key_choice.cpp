#include "kernels/key_choice.h"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/key_choice.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace molrt::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using Tag = hn::CappedTag<int32_t, 16>;
using Lanes = hn::Vec<Tag>;

// Integers in the order of the scores, 0 and -0 being one, so that the largest come first.
HWY_INLINE Lanes order_of(const KeyRow& row, size_t first) {
  const Tag d;
  const hn::RebindToFloat<Tag> f;
  auto x = hn::LoadU(f, row.scores + first);
  if (row.by_magnitude) x = hn::Abs(x);
  const auto bits = hn::BitCast(d, hn::IfThenZeroElse(hn::Eq(x, hn::Zero(f)), x));
  const auto negative = hn::Lt(bits, hn::Zero(d));
  const auto order = hn::IfThenElse(negative, hn::Xor(bits, hn::Set(d, 0x7FFFFFFF)), bits);
  return row.places == KeyPlaces::highest ? order : hn::Not(order);
}

// How many come before each: the larger ones, and of equal ones those to the left.
HWY_INLINE Lanes ranks_of(const int32_t* order, size_t keys, size_t first) {
  const Tag d;
  const auto own = hn::LoadU(d, order + first);
  const size_t last = std::min(keys, first + hn::Lanes(d));
  const auto place = hn::Iota(d, static_cast<int32_t>(first));
  auto rank = hn::Zero(d);  // a mask of ones is -1
  for (size_t i = 0; i < first; ++i)
    rank = hn::Sub(rank, hn::VecFromMask(d, hn::Not(hn::Lt(hn::Set(d, order[i]), own))));
  for (size_t i = first; i < last; ++i) {
    const auto other = hn::Set(d, order[i]);
    const auto left = hn::Lt(hn::Set(d, static_cast<int32_t>(i)), place);
    const auto before = hn::Or(hn::Gt(other, own), hn::And(hn::Eq(other, own), left));
    rank = hn::Sub(rank, hn::VecFromMask(d, before));
  }
  for (size_t i = last; i < keys; ++i)
    rank = hn::Sub(rank, hn::VecFromMask(d, hn::Gt(hn::Set(d, order[i]), own)));
  return rank;
}

HWY_INLINE bool has_scores(const KeyRow& row) {
  const hn::RebindToFloat<Tag> f;
  for (size_t first = 0; first < row.keys; first += hn::Lanes(f)) {
    const auto inside = hn::FirstN(f, std::min(hn::Lanes(f), row.keys - first));
    const auto x = hn::IfThenElseZero(inside, hn::LoadU(f, row.scores + first));
    if (!hn::AllTrue(f, hn::Eq(x, hn::Zero(f)))) return true;
  }
  return false;
}

void choose(const KeyRow& row, uint16_t* mask) {
  const Tag d;
  const hn::RebindToFloat<Tag> f;
  const size_t lanes = hn::Lanes(d);
  std::fill_n(mask, (row.keys + 15) / 16, uint16_t{0});
  if (!has_scores(row)) return;
  int32_t* order = row.scratch;
  for (size_t first = 0; first < row.keys; first += lanes)
    hn::StoreU(order_of(row, first), d, order + first);
  const auto candidates = hn::Set(d, static_cast<int32_t>(row.candidates));
  for (size_t first = 0; first < row.keys; first += lanes) {
    const auto chosen = hn::Lt(ranks_of(order, row.keys, first), candidates);
    const auto hit = hn::Eq(hn::LoadU(f, row.coins + first), hn::Zero(f));
    const auto inside = hn::FirstN(d, std::min(lanes, row.keys - first));
    const auto dropped = hn::And(hn::And(chosen, inside), hn::RebindMask(d, hit));
    uint8_t bits[8] = {};
    hn::StoreMaskBits(d, dropped, bits);
    mask[first / 16] |= static_cast<uint16_t>((bits[0] | bits[1] << 8) << first % 16);
  }
}

}  // namespace molrt::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace molrt {
HWY_EXPORT(choose);

void choose_keys(const KeyRow& row, uint16_t* mask) { HWY_DYNAMIC_DISPATCH(choose)(row, mask); }

}  // namespace molrt
#endif
