// Loops over f32 arrays of any length in vectors, for the own kernels (Highway's per-target
// include).
#if defined(MOLRT_SIMD_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef MOLRT_SIMD_INL_H_
#undef MOLRT_SIMD_INL_H_
#else
#define MOLRT_SIMD_INL_H_
#endif

#include <hwy/highway.h>

#include <cstring>

HWY_BEFORE_NAMESPACE();
namespace molrt::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// The first n lanes of a vector from memory, 0 in the others. What lies beyond them is not touched:
// where Highway's masked operations would touch it, the lanes go through a buffer.
template <class D>
HWY_INLINE hn::Vec<D> load_first(D d, const float* p, size_t n) {
#if HWY_MEM_OPS_MIGHT_FAULT
  HWY_ALIGN float lanes[hn::MaxLanes(D())] = {};
  std::memcpy(lanes, p, n * sizeof(float));
  return hn::Load(d, lanes);
#else
  return hn::MaskedLoad(hn::FirstN(d, n), d, p);
#endif
}

template <class D>
HWY_INLINE void store_first(hn::Vec<D> v, D d, float* p, size_t n) {
#if HWY_MEM_OPS_MIGHT_FAULT
  HWY_ALIGN float lanes[hn::MaxLanes(D())];
  hn::Store(v, d, lanes);
  std::memcpy(p, lanes, n * sizeof(float));
#else
  hn::BlendedStore(v, hn::FirstN(d, n), d, p);
#endif
}

template <class D>
HWY_INLINE hn::Vec<D> load(D d, const float* p, size_t n) {
  return n == hn::Lanes(d) ? hn::LoadU(d, p) : load_first(d, p, n);
}

template <class D>
HWY_INLINE void store(hn::Vec<D> v, D d, float* p, size_t n) {
  if (n == hn::Lanes(d))
    hn::StoreU(v, d, p);
  else
    store_first(v, d, p, n);
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
