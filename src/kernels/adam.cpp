#include "kernels/adam.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/adam.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace molrt::HWY_NAMESPACE {

// kept a + added b, not fused: not every machine fuses.
template <class D, class V>
HWY_INLINE V blend(D d, float kept, V a, float added, V b) {
  return hn::Add(hn::Mul(hn::Set(d, kept), a), hn::Mul(hn::Set(d, added), b));
}

void update(const AdamFactors& f, const float* gradient, size_t count, float* mean, float* square,
            float* weight) {
  for_lanes(count, [&](auto d, size_t i, size_t n) {
    const auto g = load(d, gradient + i, n);
    const auto m = blend(d, f.mean_kept, load(d, mean + i, n), f.mean_added, g);
    const auto v = blend(d, f.square_kept, load(d, square + i, n), f.square_added, hn::Mul(g, g));
    store(m, d, mean + i, n);
    store(v, d, square + i, n);
    const auto divisor = hn::Add(hn::Mul(hn::Sqrt(v), hn::Set(d, f.root)), hn::Set(d, f.eps));
    const auto step = hn::Div(hn::Mul(hn::Set(d, f.size), m), divisor);
    store(hn::Sub(load(d, weight + i, n), step), d, weight + i, n);
  });
}

}  // namespace molrt::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace molrt {
HWY_EXPORT(update);

void adam_update(const AdamFactors& factors, const float* gradient, size_t count, float* mean,
                 float* square, float* weight) {
  HWY_DYNAMIC_DISPATCH(update)(factors, gradient, count, mean, square, weight);
}

}  // namespace molrt
#endif
