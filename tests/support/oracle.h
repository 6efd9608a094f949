#pragma once
// The network once more, naive and in double precision, straight from the specification (model.md
// section 3): what the f32 kernels are compared with.
#include <vector>

#include "base/tensor.h"
#include "features/features.h"
#include "model/architecture.h"

namespace molrt::test {

// Representations [length, width] of one molecule.
std::vector<double> oracle_representation(const Architecture& architecture,
                                          const TensorMap& tensors, const Features& molecule);

}  // namespace molrt::test
