#pragma once
// The scratch memory of one worker: allocated on first use, reused for every batch after it.
#include <cstdint>
#include <vector>

#include "base/buffer.h"

namespace molrt {

struct Workspace {
  Buffer matmul, attention;                           // kernels' own
  Buffer weights;                                     // one head's attention and its gradient
  Buffer pair_features, pair_hidden, pair_bias_rows;  // a chunk of pairs
  Buffer weight, halves;                              // of one linear layer; bf16 operands
  std::vector<float> distances;                       // likewise
  std::vector<int32_t> edge_types;                    // likewise
  Buffer pair;                                        // all molecules' pair matrices
  Buffer normed, qkv, context, ffn;                   // a packed batch, per layer
  Buffer cls, last;                                   // of its molecules
  Buffer representation;                              // a packed batch
};

}  // namespace molrt
