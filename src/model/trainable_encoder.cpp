#include "model/trainable_encoder.h"

#include <algorithm>

#include "model/pack.h"

namespace molrt {
namespace {

std::vector<TrainableLayer> make_layers(const Architecture& a, const Parameters& parameters) {
  std::vector<TrainableLayer> layers;
  for (int i = 0; i < a.layers; ++i) layers.emplace_back(parameters, i, a.width, a.ffn);
  return layers;
}

// Each molecule's rows with its own mask.
void drop_embedding(Team& team, const PackedBatch& batch, const EncoderNoise& noise, int width,
                    float* x) {
  team.share(batch.molecules.size(), [&](size_t m, Workspace&) {
    const auto& molecule = batch.molecules[m];
    if (const auto stream = noise.stream(noise.embedding_rate(), site_emb, m))
      dropout_apply(*stream, 0, size_t(molecule.shape.tokens) * width,
                    x + molecule.first_token * width);
  });
}

}  // namespace

// LayerTape: input, query, key, value, context, middle; hidden; logits.
size_t TrainableEncoder::activation_bytes(const Architecture& a, int tokens) {
  const AttentionShape shape{tokens, a.width, a.heads};
  const size_t floats = size_t(tokens) * (6 * size_t(a.width) + a.ffn) + shape.pair_size();
  return floats * size_t(a.layers) * sizeof(float);
}

TrainableEncoder::TrainableEncoder(const Architecture& a, Parameters& p)
    : architecture_(a),
      embed_tokens_(p.get("embed_tokens.weight", {a.vocabulary, a.width})),
      embedding_norm_(p, "encoder.emb_layer_norm", a.width),
      pair_bias_(p, a.kernel, a.vocabulary, a.heads),
      layers_(make_layers(a, p)),
      final_norm_(p, "encoder.final_layer_norm", a.width),
      tapes_(layers_.size()) {}

const float* TrainableEncoder::forward(Team& team, std::span<const Features* const> molecules,
                                       const EncoderNoise& noise) {
  batch_ = pack(molecules, architecture_, pair_);
  molecules_.clear();
  for (const Features* m : molecules)
    molecules_.push_back({m->tokens.data(), m->coordinates.data()});
  const size_t floats = padded_rows(batch_.tokens) * architecture_.width;
  float* x = x_.resize(floats);
  embed(team, noise, x);
  pair_bias_.forward(team, batch_, molecules_);
  PackedBatch batch = batch_;  // each layer's bias is the logits of the one before
  for (size_t i = 0; i < layers_.size(); ++i) {
    LayerTape& tape = tapes_[i % tapes_.size()];
    layers_[i].forward(team, batch, noise.of_layer(static_cast<int>(i)), x, tape, scratch_);
    place_pairs(batch, tape.logits.data());
  }
  float* output = output_.resize(floats);
  std::fill(output, output + floats, 0.0f);
  final_norm_.forward(team, x, batch_.tokens, output);
  return output;
}

void TrainableEncoder::backward(Team& team, const EncoderNoise& noise, float* d_output) {
  const size_t rows = padded_rows(batch_.tokens), floats = rows * architecture_.width;
  float* d_x = output_.data();  // the representations have had their last use
  std::fill(d_x, d_x + floats, 0.0f);
  final_norm_.backward(team, x_.data(), d_output, batch_.tokens, d_x,
                       scratch_.statistics.resize(2 * rows));
  const size_t pairs = pair_floats(batch_);
  float* d_pair = d_pair_.resize(pairs);
  std::fill(d_pair, d_pair + pairs, 0.0f);
  const size_t first = static_cast<size_t>(std::max(frozen_layers_, 0));
  for (size_t i = layers_.size(); i-- > first;)
    layers_[i].backward(team, batch_, noise.of_layer(static_cast<int>(i)), tapes_[i], d_x, d_pair,
                        scratch_);
  if (frozen_layers_ >= 0) return;
  pair_bias_.backward(team, batch_, molecules_, d_pair);
  embed_backward(team, noise, d_x);
}

// x = dropout(LN(token embedding)); the embedding itself is kept for the way back.
void TrainableEncoder::embed(Team& team, const EncoderNoise& noise, float* x) {
  const size_t width = architecture_.width, floats = padded_rows(batch_.tokens) * width;
  float* embedded = embedded_.resize(floats);
  float* row = embedded;
  for (size_t m = 0; m < molecules_.size(); ++m)
    for (int i = 0; i < batch_.molecules[m].shape.tokens; ++i)
      row = std::copy_n(embed_tokens_.value.data() + molecules_[m].tokens[i] * width, width, row);
  std::fill(row, embedded + floats, 0.0f);
  std::fill(x + batch_.tokens * width, x + floats, 0.0f);
  embedding_norm_.forward(team, embedded, batch_.tokens, x);
  drop_embedding(team, batch_, noise, architecture_.width, x);
}

void TrainableEncoder::embed_backward(Team& team, const EncoderNoise& noise, float* d_x) {
  const size_t width = architecture_.width, rows = padded_rows(batch_.tokens);
  drop_embedding(team, batch_, noise, architecture_.width, d_x);
  float* d_embedded = x_.data();  // the last layer's output has had its last use
  std::fill(d_embedded, d_embedded + rows * width, 0.0f);
  embedding_norm_.backward(team, embedded_.data(), d_x, batch_.tokens, d_embedded,
                           scratch_.statistics.resize(2 * rows));
  for (size_t m = 0; m < molecules_.size(); ++m)
    for (int i = 0; i < batch_.molecules[m].shape.tokens; ++i, d_embedded += width) {
      float* gradient = embed_tokens_.gradient.data() + molecules_[m].tokens[i] * width;
      for (size_t c = 0; c < width; ++c) gradient[c] += d_embedded[c];
    }
}

}  // namespace molrt
