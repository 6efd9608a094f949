#pragma once
// Adam's update of one tensor. Own, as compilers do not vectorise a loop with std::sqrt.
#include <cstddef>

namespace molrt {

struct AdamFactors {
  float mean_kept, mean_added;      // beta1, 1 - beta1
  float square_kept, square_added;  // beta2, 1 - beta2
  float size;                       // learning rate / (1 - beta1^t)
  float root;                       // 1 / sqrt(1 - beta2^t)
  float eps;
};

// mean = mean_kept mean + mean_added g;  square = square_kept square + square_added g^2;
// w -= size mean / (root sqrt(square) + eps). All arrays [count]; the same bytes on every machine.
void adam_update(const AdamFactors& factors, const float* gradient, size_t count, float* mean,
                 float* square, float* weight);

}  // namespace molrt
