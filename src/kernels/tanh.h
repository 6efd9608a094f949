#pragma once
#include <cstddef>

namespace molrt {

// values[i] = tanh(values[i]), within 4 units in the last place; NaN stays NaN.
void apply_tanh(float* values, size_t count);

}  // namespace molrt
