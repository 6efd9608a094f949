#pragma once
// The sizes of a network, read off its tensors (spec: checkpoints.md, Tensor names).
#include "nn/pair_bias.h"
#include "nn/weights.h"

namespace molrt {

constexpr int most_layers = 1000;

struct Architecture {
  PairKernel kernel = PairKernel::gaussian;
  int layers = 0, width = 0, ffn = 0, heads = 0;
  int vocabulary = 0;  // V: the dictionary with [MASK]
  bool operator==(const Architecture&) const = default;
};

// The official sizes of a kernel; vocabulary 31 (molecule) or 94 (oled).
Architecture official_architecture(PairKernel kernel);
// FORMAT error where the tensors do not fit together, naming the one that does not.
Architecture infer_architecture(const Weights& weights);
// INVALID_ARGUMENT where sizes cannot work (width not a multiple of heads ...).
void check_architecture(const Architecture& architecture);
const char* kernel_name(PairKernel kernel);                // "gaussian", "linear"
std::string sizes_text(const Architecture& architecture);  // for messages

}  // namespace molrt
