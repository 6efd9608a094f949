#pragma once
// f32 as sums of bfloat16 numbers, rounded to nearest even: the operands of fast products.
#include <cstddef>
#include <cstdint>

namespace molrt {

void to_bf16(const float* x, size_t count, uint16_t* y);
// x = high + low, but for the last bits of about 2^-17 x.
void split_bf16(const float* x, size_t count, uint16_t* high, uint16_t* low);

}  // namespace molrt
