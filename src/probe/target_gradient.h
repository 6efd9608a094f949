#pragma once
// What the attention is attributed to.
#include <span>
#include <vector>

#include "probe/options.h"

namespace molrt {

// dt/dCLS [width] of one network, without dropout. labels: the row's, in the targets' own units or
// class numbers; NaN: none. inputs: what stands beside CLS, unscaled.
std::vector<float> target_gradient(const Model& model, size_t fold, ProbeAttribution attribution,
                                   std::span<const double> labels, const float* cls,
                                   const float* inputs);

}  // namespace molrt
