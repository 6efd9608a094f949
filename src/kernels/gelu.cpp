#include "kernels/gelu.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/gelu.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// Highway's headers come first.
#include <hwy/contrib/math/math-inl.h>

#include "kernels/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace molrt::HWY_NAMESPACE {

// Phi(x) and exp(-x^2 / 2), which its derivative needs.
template <class D, class V = hn::Vec<D>>
struct Normal {
  V distribution, bell;
};

template <class D, class V = hn::Vec<D>>
HWY_INLINE Normal<D> normal(D d, V x) {
  const V z = hn::Mul(hn::Abs(x), hn::Set(d, 0.70710678118654752f));
  const V bell = hn::Exp(d, hn::Neg(hn::Mul(z, z)));
  const V one = hn::Set(d, 1.0f);
  const V t = hn::Div(one, hn::MulAdd(z, hn::Set(d, 0.3275911f), one));
  V sum = hn::Set(d, 1.061405429f);
  for (const float c : {-1.453152027f, 1.421413741f, -0.284496736f, 0.254829592f})
    sum = hn::MulAdd(sum, t, hn::Set(d, c));
  // Half of the complement of erf(|z|): the tail beyond |x|.
  const V tail = hn::Mul(hn::Set(d, 0.5f), hn::Mul(hn::Mul(sum, t), bell));
  return {hn::IfThenElse(hn::Lt(x, hn::Zero(d)), tail, hn::Sub(one, tail)), bell};
}

void forward_values(const float* x, size_t count, float* y) {
  for_lanes(count, [&](auto d, size_t i, size_t n) {
    const auto value = load(d, x + i, n);
    store(hn::Mul(value, normal(d, value).distribution), d, y + i, n);
  });
}

void backward_values(const float* x, const float* d_y, size_t count, float* d_x) {
  for_lanes(count, [&](auto d, size_t i, size_t n) {
    const auto value = load(d, x + i, n);
    const auto at = normal(d, value);
    const auto density = hn::Mul(at.bell, hn::Set(d, 0.39894228040143268f));  // 1 / sqrt(2 pi)
    const auto slope = hn::MulAdd(value, density, at.distribution);
    store(hn::Mul(load(d, d_y + i, n), slope), d, d_x + i, n);
  });
}

}  // namespace molrt::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace molrt {
HWY_EXPORT(forward_values);
HWY_EXPORT(backward_values);

void gelu_forward(const float* x, size_t count, float* y) {
  HWY_DYNAMIC_DISPATCH(forward_values)(x, count, y);
}

void gelu_backward(const float* x, const float* d_y, size_t count, float* d_x) {
  HWY_DYNAMIC_DISPATCH(backward_values)(x, d_y, count, d_x);
}

}  // namespace molrt
#endif
