#pragma once
// 3. Features -> representations: the network without its head (spec: model.md section 3).
#include <span>

#include "features/features.h"
#include "model/architecture.h"
#include "nn/encoder_layer.h"

namespace molrt {

class Encoder {
 public:
  Encoder(const Architecture& architecture, const Weights& weights);

  // Tokens of the molecules, one behind the other -> their representations [sum of length, width],
  // which live in the workspace until its next use. Row 0 of a molecule is CLS, rows 1 ... n its
  // atoms, the last one SEP.
  const float* forward(std::span<const Features* const> molecules, Workspace& workspace) const;

 private:
  void embed(std::span<const Features* const> molecules, size_t tokens, float* x) const;

  Architecture architecture_;
  std::vector<float> embed_tokens_;  // [V, width]
  LayerNorm embedding_norm_;
  PairBias pair_bias_;
  std::vector<EncoderLayer> layers_;
  LayerNorm final_norm_;
};

}  // namespace molrt
