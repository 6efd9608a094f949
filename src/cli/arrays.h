#pragma once
// Arrays as a safetensors file.
#include <cstdint>
#include <vector>

#include "base/tensor.h"
#include "cli/output.h"

namespace molrt::cli {

Tensor integers(std::vector<int64_t> values);  // I64 of one dimension
void write_arrays(Output& output, const TensorMap& tensors);

}  // namespace molrt::cli
