#pragma once
#include "model/model.h"

namespace molrt {

// An untrained model, for tests, benchmarks and training from scratch: linear and embedding weights
// N(0, .02), biases 0, norms 1 and 0; gaussian means and widths U(0, 3), edge tables mul 1 and bias
// 0, w_edge N(0, 2/128) (Uni-Mol's own). The same seed and sizes give the same bytes.
Model initialise_model(const Architecture& architecture, Hydrogens hydrogens, TokenLayout layout,
                       uint64_t seed);

}  // namespace molrt
