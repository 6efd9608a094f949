#pragma once
// GELU in its erf form, forward beside backward. Own, because both directions must agree to the bit
// with what follows a product (matmul.h) and no packaged library has the derivative.
#include <cstddef>

namespace molrt {

// y = x Phi(x), Phi the normal distribution function; y may be x. Absolute error below 4e-7 |x|
// (erf: Abramowitz and Stegun 7.1.26).
void gelu_forward(const float* x, size_t count, float* y);

// d_x = d_y (Phi(x) + x phi(x)); d_x may be d_y.
void gelu_backward(const float* x, const float* d_y, size_t count, float* d_x);

}  // namespace molrt
