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

  // What of the molecules is wanted: their representations, one molecule behind the other [sum of
  // length, width], where row 0 of a molecule is CLS, rows 1 ... n its atoms, the last one SEP; or
  // CLS alone [molecules, width], with the same bytes for less work.
  enum class Rows { all, cls };
  // They live in the team's own workspace until its next use; products have the team's precision.
  const float* forward(Team& team, std::span<const Features* const> molecules, Rows rows) const;
  // Packs the weights, which the first pass would do on one thread.
  void pack(int threads, Precision precision) const;

 private:
  const float* layers(Team& team, const PackedBatch& batch, Rows rows, float* x) const;
  void embed(std::span<const Features* const> molecules, size_t tokens, float* x) const;

  Architecture architecture_;
  std::vector<float> embed_tokens_;  // [V, width]
  LayerNorm embedding_norm_;
  PairBias pair_bias_;
  std::vector<EncoderLayer> layers_;
  LayerNorm final_norm_;
};

}  // namespace molrt
