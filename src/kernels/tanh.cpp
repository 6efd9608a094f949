#include "kernels/tanh.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/tanh.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// Highway's headers come first.
#include <hwy/contrib/math/math-inl.h>

#include "kernels/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace molrt::HWY_NAMESPACE {

void tanh_values(float* values, size_t count) {
  for_lanes(count, [&](auto d, size_t i, size_t n) {
    const auto x = load(d, values + i, n);
    // Highway's does not promise to keep NaN.
    store(hn::IfThenElse(hn::IsNaN(x), x, hn::Tanh(d, x)), d, values + i, n);
  });
}

}  // namespace molrt::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace molrt {
HWY_EXPORT(tanh_values);

void apply_tanh(float* values, size_t count) { HWY_DYNAMIC_DISPATCH(tanh_values)(values, count); }

}  // namespace molrt
#endif
