#include "kernels/bfloat.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/bfloat.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace molrt::HWY_NAMESPACE {

// The bits of the nearest bfloat16 in the upper halves. What is no number stays none.
template <class D, class V = hn::Vec<D>>
HWY_INLINE hn::Vec<hn::RebindToUnsigned<D>> rounded(D, V x) {
  const hn::RebindToUnsigned<D> u;
  const auto bits = hn::BitCast(u, x);
  const auto odd = hn::And(hn::ShiftRight<16>(bits), hn::Set(u, 1));
  const auto nearest = hn::Add(hn::Add(bits, hn::Set(u, 0x7FFF)), odd);
  const auto quiet = hn::Or(bits, hn::Set(u, 0x400000));
  const auto nan = hn::RebindMask(u, hn::IsNaN(x));
  return hn::And(hn::IfThenElse(nan, quiet, nearest), hn::Set(u, 0xFFFF0000u));
}

template <class D, class V>
HWY_INLINE void store_upper(D d, V bits, size_t n, uint16_t* y) {
  const hn::Rebind<uint16_t, D> half;
  const auto upper = hn::TruncateTo(half, hn::ShiftRight<16>(bits));
  if (n == hn::Lanes(d)) return hn::StoreU(upper, half, y);
  HWY_ALIGN uint16_t lanes[hn::MaxLanes(D())];
  hn::Store(upper, half, lanes);
  std::memcpy(y, lanes, n % hn::MaxLanes(D()) * sizeof(uint16_t));
}

void round_values(const float* x, size_t count, uint16_t* y) {
  for_lanes(count, [&](auto d, size_t i, size_t n) {
    store_upper(d, rounded(d, load(d, x + i, n)), n, y + i);
  });
}

void split_values(const float* x, size_t count, uint16_t* high, uint16_t* low) {
  for_lanes(count, [&](auto d, size_t i, size_t n) {
    const auto value = load(d, x + i, n);
    const auto upper = rounded(d, value);
    store_upper(d, upper, n, high + i);
    const auto rest = hn::Sub(value, hn::BitCast(d, upper));
    store_upper(d, rounded(d, rest), n, low + i);
  });
}

}  // namespace molrt::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace molrt {
HWY_EXPORT(round_values);
HWY_EXPORT(split_values);

void to_bf16(const float* x, size_t count, uint16_t* y) {
  HWY_DYNAMIC_DISPATCH(round_values)(x, count, y);
}

void split_bf16(const float* x, size_t count, uint16_t* high, uint16_t* low) {
  HWY_DYNAMIC_DISPATCH(split_values)(x, count, high, low);
}

}  // namespace molrt
#endif
