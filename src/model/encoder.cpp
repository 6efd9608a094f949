#include "model/encoder.h"

#include <fmt/format.h>

#include <algorithm>

#include "model/pack.h"

namespace molrt {
namespace {

std::vector<EncoderLayer> make_layers(const Architecture& a, const Weights& weights) {
  std::vector<EncoderLayer> layers;
  for (int i = 0; i < a.layers; ++i)
    layers.emplace_back(weights, fmt::format("encoder.layers.{}", i), a.width, a.ffn);
  return layers;
}

}  // namespace

Encoder::Encoder(const Architecture& a, const Weights& weights)
    : architecture_(a),
      embed_tokens_(weights.get("embed_tokens.weight", {a.vocabulary, a.width})),
      embedding_norm_(weights, "encoder.emb_layer_norm", a.width),
      pair_bias_(weights, a.kernel, a.vocabulary, a.heads),
      layers_(make_layers(a, weights)),
      final_norm_(weights, "encoder.final_layer_norm", a.width) {}

const float* Encoder::forward(std::span<const Features* const> molecules, Workspace& w) const {
  const PackedBatch batch = pack(molecules, architecture_, w.pair);
  float* x = w.representation.resize(padded_rows(batch.tokens) * architecture_.width);
  embed(molecules, batch.tokens, x);
  for (size_t m = 0; m < molecules.size(); ++m)
    pair_bias_.forward(batch.molecules[m].shape, molecules[m]->tokens.data(),
                       molecules[m]->coordinates.data(), batch.molecules[m].pair, w);
  for (const EncoderLayer& layer : layers_) layer.forward(batch, x, w);
  final_norm_.forward(x, batch.tokens, x);
  return x;
}

void Encoder::embed(std::span<const Features* const> molecules, size_t tokens, float* x) const {
  const int width = architecture_.width;
  float* row = x;
  for (const Features* m : molecules)
    for (int32_t token : m->tokens)
      row = std::copy_n(&embed_tokens_[size_t(token) * width], width, row);
  embedding_norm_.forward(x, tokens, x);
  std::fill(row, x + padded_rows(tokens) * width, 0.0f);
}

}  // namespace molrt
