#include "kernels/dropout.h"

#include <algorithm>
#include <bit>

#ifndef MOLRT_HIT_SCALES  // this file is read once for each target
#define MOLRT_HIT_SCALES
namespace molrt {
// Of an element whose number is a hit, and of the others.
struct HitScales {
  float hit, miss;
};
}  // namespace molrt
#endif

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/dropout.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace molrt::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Philox4x32-10 (base/philox.h) on as many counters as there are 64-bit lanes; a lane holds one
// 32-bit word. `block` is the fourth word of the first counter; words [4][lanes].
HWY_INLINE void philox_lanes(const DropoutStream& s, uint64_t block, uint64_t* words) {
#if HWY_TARGET == HWY_SCALAR  // has no products of 32-bit halves
  const auto four = philox4x32({s.a, s.b, s.c, static_cast<uint32_t>(block)}, s.key);
  std::copy(four.begin(), four.end(), words);
#else
  const hn::CappedTag<uint64_t, 8> d;
  const hn::Repartition<uint32_t, decltype(d)> d32;
  const auto low = hn::Set(d, 0xFFFFFFFFu);
  const auto multiply = [&](auto x, uint32_t factor) {
    return hn::MulEven(hn::BitCast(d32, x), hn::Set(d32, factor));
  };
  auto x0 = hn::Set(d, uint64_t{s.a}), x1 = hn::Set(d, uint64_t{s.b});
  auto x2 = hn::Set(d, uint64_t{s.c}), x3 = hn::And(hn::Iota(d, block), low);
  uint32_t key0 = s.key[0], key1 = s.key[1];
  for (int round = 0; round < 10; ++round, key0 += 0x9E3779B9u, key1 += 0xBB67AE85u) {
    const auto product0 = multiply(x0, 0xD2511F53u), product1 = multiply(x2, 0xCD9E8D57u);
    x0 = hn::Xor(hn::Xor(hn::ShiftRight<32>(product1), x1), hn::Set(d, uint64_t{key0}));
    x2 = hn::Xor(hn::Xor(hn::ShiftRight<32>(product0), x3), hn::Set(d, uint64_t{key1}));
    x1 = hn::And(product1, low);
    x3 = hn::And(product0, low);
  }
  const size_t lanes = hn::Lanes(d);
  hn::Store(x0, d, words);
  hn::Store(x1, d, words + lanes);
  hn::Store(x2, d, words + 2 * lanes);
  hn::Store(x3, d, words + 3 * lanes);
#endif
}

// The scales of the 4 lanes elements of those counters, in their order.
HWY_INLINE void whole_blocks(const uint64_t* words, uint64_t threshold, HitScales scale,
                             float* scales) {
  const hn::CappedTag<uint64_t, 8> d;
  const hn::RebindToSigned<decltype(d)>
      signed_d;  // 33 bits at most, and signed ones compare faster
  const hn::Rebind<uint32_t, decltype(d)> d32;
  const hn::RebindToFloat<decltype(d32)> f;
  const size_t lanes = hn::Lanes(d);
  const auto limit = hn::Set(signed_d, static_cast<int64_t>(threshold));
  const auto hit = hn::Set(signed_d, int64_t{std::bit_cast<uint32_t>(scale.hit)});
  const auto miss = hn::Set(signed_d, int64_t{std::bit_cast<uint32_t>(scale.miss)});
  const auto of = [&](size_t word) {
    const auto x = hn::Load(signed_d, reinterpret_cast<const int64_t*>(words) + word * lanes);
    const auto chosen = hn::IfThenElse(hn::Lt(x, limit), hit, miss);
    return hn::BitCast(f, hn::TruncateTo(d32, hn::BitCast(d, chosen)));
  };
  hn::StoreInterleaved4(of(0), of(1), of(2), of(3), f, scales);
}

void scales_of(const DropoutStream& s, HitScales scale, uint64_t first, size_t count,
               float* scales) {
  const hn::CappedTag<uint64_t, 8> d;
  HWY_ALIGN uint64_t words[4 * hn::MaxLanes(d)];
  const size_t lanes = hn::Lanes(d);
  const uint64_t threshold = bernoulli_threshold(s.p);
  for (uint64_t i = first, end = first + count; i < end;) {
    philox_lanes(s, i / 4, words);
    if (i % 4 == 0 && end - i >= 4 * lanes) {
      whole_blocks(words, threshold, scale, scales);
      i += 4 * lanes;
      scales += 4 * lanes;
      continue;
    }
    const uint64_t base = i / 4 * 4, stop = std::min<uint64_t>(end, base + 4 * lanes);
    for (; i < stop; ++i) {
      const uint64_t word = words[(i % 4) * lanes + (i - base) / 4];
      *scales++ = word < threshold ? scale.hit : scale.miss;
    }
  }
}

}  // namespace molrt::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace molrt {
HWY_EXPORT(scales_of);

namespace {

HitScales dropout_of(const DropoutStream& s) {
  return {0.0f, s.p < 1 ? static_cast<float>(1 / (1 - s.p)) : 0.0f};
}

void apply(const DropoutStream& stream, HitScales scale, uint64_t first, size_t count,
           float* values) {
  constexpr size_t block = 256;
  float scales[block];
  for (size_t done = 0; done < count; done += block) {
    const size_t n = std::min(block, count - done);
    HWY_DYNAMIC_DISPATCH(scales_of)(stream, scale, first + done, n, scales);
    for (size_t i = 0; i < n; ++i)  // not a product: what is dropped may be infinite
      values[done + i] = scales[i] == 0 ? 0.0f : values[done + i] * scales[i];
  }
}

}  // namespace

void dropout_scales(const DropoutStream& stream, uint64_t first, size_t count, float* scales) {
  HWY_DYNAMIC_DISPATCH(scales_of)(stream, dropout_of(stream), first, count, scales);
}

void dropout_apply(const DropoutStream& stream, uint64_t first, size_t count, float* values) {
  apply(stream, dropout_of(stream), first, count, values);
}

void keep_hits(const HitStream& s, double scale, uint64_t first, std::span<float> values) {
  apply({s.key, s.a, s.b, s.c, s.p}, {static_cast<float>(scale), 0.0f}, first, values.size(),
        values.data());
}

}  // namespace molrt
#endif
