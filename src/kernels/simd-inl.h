// Loops over f32 arrays of any length in vectors, for the own kernels (Highway's per-target
// include).
#if defined(MOLRT_SIMD_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef MOLRT_SIMD_INL_H_
#undef MOLRT_SIMD_INL_H_
#else
#define MOLRT_SIMD_INL_H_
#endif

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace molrt::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// The first n lanes of a vector from memory, 0 in the others.
template <class D>
HWY_INLINE hn::Vec<D> load(D d, const float* p, size_t n) {
  return n == hn::Lanes(d) ? hn::LoadU(d, p) : hn::MaskedLoad(hn::FirstN(d, n), d, p);
}

template <class D>
HWY_INLINE void store(hn::Vec<D> v, D d, float* p, size_t n) {
  if (n == hn::Lanes(d))
    hn::StoreU(v, d, p);
  else
    hn::BlendedStore(v, hn::FirstN(d, n), d, p);
}

// body(d, index, lanes) for every vector of [0, count); the last one may be partial.
template <class Body>
HWY_INLINE void for_lanes(size_t count, const Body& body) {
  const hn::ScalableTag<float> d;
  const size_t lanes = hn::Lanes(d);
  size_t i = 0;
  for (; i + lanes <= count; i += lanes) body(d, i, lanes);
  if (i < count) body(d, i, count - i);
}

// Sum of term(d, index, lanes) over [0, count), always in the same order; partial vectors' unused
// lanes must be 0.
template <class Term>
HWY_INLINE float reduce_sum(size_t count, const Term& term) {
  const hn::ScalableTag<float> d;
  auto sum = hn::Zero(d);
  for_lanes(count, [&](auto tag, size_t i, size_t n) { sum = hn::Add(sum, term(tag, i, n)); });
  return hn::GetLane(hn::SumOfLanes(d, sum));
}

}  // namespace molrt::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
