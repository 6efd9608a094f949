#pragma once
// One pre-LN transformer layer (spec: model.md section 3, Encoder):
//   x += out_proj(attention(in_proj(LN(x)), pair));  x += fc2(gelu(fc1(LN(x))))
#include <span>

#include "nn/linear.h"
#include "nn/pair_bias.h"
#include "nn/workspace.h"

namespace molrt {

// Molecules one behind the other, without padding between them.
struct PackedBatch {
  size_t tokens = 0;  // of all molecules; activations have padded_rows(tokens) rows
  struct Molecule {
    size_t first_token;
    AttentionShape shape;
    float* pair;  // [heads, n, pair_stride]
  };
  std::vector<Molecule> molecules;
};

inline size_t pair_floats(const PackedBatch& batch) {
  size_t count = 0;
  for (const auto& m : batch.molecules) count += m.shape.pair_size();
  return count;
}

// The molecules' pair matrices one behind the other, from `pairs` [pair_floats] on.
inline void place_pairs(PackedBatch& batch, float* pairs) {
  for (auto& m : batch.molecules) {
    m.pair = pairs;
    pairs += m.shape.pair_size();
  }
}

class EncoderLayer {
 public:
  EncoderLayer(const Weights& weights, const std::string& name, int width, int ffn);

  // x [padded_rows(tokens), width], in place; each molecule's pair bias becomes its logits.
  void forward(Team& team, const PackedBatch& batch, float* x) const;
  // Of CLS alone, as the last layer: cls [padded_rows(molecules), width]. The same bytes.
  void forward_cls(Team& team, const PackedBatch& batch, const float* x, float* cls) const;
  void pack(Precision precision) const;

 private:
  void attend(Team& team, const PackedBatch& batch, int queries, Workspace& w) const;
  void feed_forward(Team& team, size_t rows, float* x) const;

  int width_, ffn_;
  LayerNorm attention_norm_;
  Linear in_proj_, out_proj_;
  LayerNorm ffn_norm_;
  Linear fc1_, fc2_;
};

}  // namespace molrt
