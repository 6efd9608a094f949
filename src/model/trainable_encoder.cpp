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

// LayerTape: input, query, key, value, context, middle; hidden; logits. The frozen layers share
// two.
size_t TrainableEncoder::activation_bytes(int tokens) const {
  const Architecture& a = architecture_;
  const AttentionShape shape{tokens, a.width, a.heads};
  const size_t floats = size_t(tokens) * (6 * size_t(a.width) + a.ffn) + shape.pair_size();
  return floats * size_t(a.layers - first_trained() + std::min(first_trained(), 2)) * sizeof(float);
}

TrainableEncoder::TrainableEncoder(const Architecture& a, Parameters& p)
    : architecture_(a),
      embed_tokens_(p.get("embed_tokens.weight", {a.vocabulary, a.width})),
      embedding_norm_(p, "encoder.emb_layer_norm", a.width),
      pair_bias_(p, a.kernel, a.vocabulary, a.heads),
      layers_(make_layers(a, p)),
      final_norm_(p, "encoder.final_layer_norm", a.width),
      final_norm_input_(p, "encoder.final_layer_norm", a.width),
      tapes_(layers_.size()) {}

const float* TrainableEncoder::forward(Team& team, std::span<const Features* const> molecules,
                                       const EncoderNoise& noise) {
  enter(team, molecules, noise);
  run_layers(team, noise, 0, architecture_.layers);
  return leave(team);
}

std::vector<LayerInput> TrainableEncoder::forward_frozen(Team& team,
                                                         std::span<const Features* const> molecules,
                                                         const EncoderNoise& noise) {
  enter(team, molecules, noise);
  const float* pairs = run_layers(team, noise, 0, first_trained());
  std::vector<LayerInput> inputs;
  for (const auto& m : batch_.molecules) {
    const float* x = x_.data() + m.first_token * architecture_.width;
    inputs.push_back({{x, x + size_t(m.shape.tokens) * architecture_.width},
                      {pairs, pairs + m.shape.pair_size()}});
    pairs += m.shape.pair_size();
  }
  return inputs;
}

const float* TrainableEncoder::forward_trained(Team& team,
                                               std::span<const Features* const> molecules,
                                               std::span<const LayerInput* const> inputs,
                                               const EncoderNoise& noise) {
  place(molecules);
  float *x = x_.data(), *pairs = pair_.data();
  for (const LayerInput* input : inputs) {
    x = std::copy(input->tokens.begin(), input->tokens.end(), x);
    pairs = std::copy(input->pairs.begin(), input->pairs.end(), pairs);
  }
  run_layers(team, noise, first_trained(), architecture_.layers);
  return leave(team);
}

void TrainableEncoder::place(std::span<const Features* const> molecules) {
  batch_ = pack(molecules, architecture_, pair_);
  const size_t width = architecture_.width, rows = padded_rows(batch_.tokens);
  float* x = x_.resize(rows * width);
  std::fill(x + batch_.tokens * width, x + rows * width, 0.0f);
}

void TrainableEncoder::enter(Team& team, std::span<const Features* const> molecules,
                             const EncoderNoise& noise) {
  place(molecules);
  molecules_.clear();
  for (const Features* m : molecules)
    molecules_.push_back({m->tokens.data(), m->coordinates.data()});
  embed(team, noise, x_.data());
  pair_bias_.forward(team, batch_, molecules_, noise.weights);
}

// A layer's bias is the logits of the one before, so that two tapes are the least.
LayerTape& TrainableEncoder::tape(int layer) {
  return tapes_[size_t(layer < first_trained() ? layer % 2 : layer) % tapes_.size()];
}

const float* TrainableEncoder::run_layers(Team& team, const EncoderNoise& noise, int first,
                                          int last) {
  PackedBatch batch = batch_;
  const float* pairs = pair_.data();
  for (int i = first; i < last; ++i) {
    layers_[i].forward(team, batch, noise.of_layer(i), x_.data(), tape(i), scratch_);
    place_pairs(batch, tape(i).logits.data());
    pairs = tape(i).logits.data();
  }
  return pairs;
}

void TrainableEncoder::gather_cls(const float* output, float* cls, size_t stride) const {
  const size_t width = architecture_.width;
  for (size_t m = 0; m < batch_.molecules.size(); ++m)
    std::copy_n(output + first_token(m) * width, width, cls + m * stride);
}

float* TrainableEncoder::scatter_cls(const float* d_cls, size_t stride) {
  const size_t width = architecture_.width, floats = padded_rows(batch_.tokens) * width;
  float* d_output = d_output_.zeros(floats);
  for (size_t m = 0; m < batch_.molecules.size(); ++m)
    std::copy_n(d_cls + m * stride, width, d_output + first_token(m) * width);
  return d_output;
}

const float* TrainableEncoder::leave(Team& team) {
  const size_t floats = padded_rows(batch_.tokens) * architecture_.width;
  float* output = output_.zeros(floats);
  final_norm_.forward(team, x_.data(), batch_.tokens, output);
  return output;
}

EncoderEnds TrainableEncoder::ends() const {
  return {x_.data(), pair_.data(), tapes_.back().logits.data()};
}

void TrainableEncoder::backward(Team& team, const EncoderNoise& noise, float* d_output,
                                const EndGradients* d_ends) {
  const size_t rows = padded_rows(batch_.tokens), floats = rows * architecture_.width;
  float* d_x = output_.data();  // the representations have had their last use
  std::fill(d_x, d_x + floats, 0.0f);
  final_norm_.backward(team, x_.data(), d_output, batch_.tokens, d_x,
                       scratch_.statistics.resize(2 * rows));
  if (d_ends) add_values(team, d_ends->tokens, batch_.tokens * architecture_.width, d_x);
  float* d_pair = start_pair_gradients(d_ends);
  for (int i = architecture_.layers; i-- > first_trained();)
    layers_[i].backward(team, batch_, noise.of_layer(i), tape(i), d_x, d_pair, scratch_);
  if (frozen_layers_ >= 0) return;
  if (d_ends) add_values(team, d_ends->first_pairs, pair_floats(batch_), d_pair);
  pair_bias_.backward(team, batch_, molecules_, noise.weights, d_pair);
  embed_backward(team, noise, d_x);
}

float* TrainableEncoder::start_pair_gradients(const EndGradients* d_ends) {
  const size_t pairs = pair_floats(batch_);
  if (!d_ends) return d_pair_.zeros(pairs);
  return std::copy_n(d_ends->last_pairs, pairs, d_pair_.resize(pairs)) - pairs;
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
