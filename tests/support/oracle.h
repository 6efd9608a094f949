#pragma once
// The network once more, naive and in double precision, straight from the specification (model.md
// section 3): what the f32 kernels are compared with.
#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/tensor.h"
#include "features/features.h"
#include "model/architecture.h"
#include "nn/noise.h"

namespace molrt::test {

// Every parameter moved away from where it starts, so that no term of the network is idle.
TensorMap perturbed(const TensorMap& tensors, double deviation);

using OracleWeights = std::map<std::string, std::vector<double>>;
OracleWeights oracle_weights(const TensorMap& tensors);

// Is shown the attention of one query, after dropout, and may change it.
using AttentionHook = std::function<void(int layer, int head, int query, std::span<double> row)>;

// Representations [length, width] of one molecule, the first of `noise`'s.
std::vector<double> oracle_representation(const Architecture& architecture,
                                          const OracleWeights& weights, const Features& molecule,
                                          const EncoderNoise& noise = {},
                                          const AttentionHook& hook = {});

}  // namespace molrt::test
