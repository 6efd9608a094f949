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

const float* Encoder::forward(Team& team, std::span<const Features* const> molecules,
                              Rows rows) const {
  Workspace& w = team.own();
  const PackedBatch batch = molrt::pack(molecules, architecture_, w.pair);
  float* x = w.representation.resize(padded_rows(batch.tokens) * architecture_.width);
  embed(molecules, batch.tokens, x);
  for (size_t m = 0; m < molecules.size(); ++m)
    pair_bias_.forward(team, batch.molecules[m].shape, molecules[m]->tokens.data(),
                       molecules[m]->coordinates.data(), batch.molecules[m].pair);
  return layers(team, batch, rows, x);
}

const float* Encoder::layers(Team& team, const PackedBatch& batch, Rows rows, float* x) const {
  const size_t whole = rows == Rows::cls ? layers_.size() - 1 : layers_.size();
  for (size_t i = 0; i < whole; ++i) layers_[i].forward(team, batch, x);
  size_t count = batch.tokens;
  if (rows == Rows::cls) {
    count = batch.molecules.size();
    float* cls = team.own().last.resize(padded_rows(count) * architecture_.width);
    layers_.back().forward_cls(team, batch, x, cls);
    x = cls;
  }
  final_norm_.forward(team, x, count, x);
  return x;
}

void Encoder::pack(int threads, Precision precision) const {
  parallel_for(threads, layers_.size() + 1, [&](size_t i, int) {
    if (i == layers_.size())
      pair_bias_.pack(precision);
    else
      layers_[i].pack(precision);
  });
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
