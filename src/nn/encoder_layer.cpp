#include "nn/encoder_layer.h"

#include <algorithm>
#include <limits>

namespace molrt {

EncoderLayer::EncoderLayer(const Weights& weights, const std::string& name, int width, int ffn)
    : width_(width),
      ffn_(ffn),
      attention_norm_(weights, name + ".self_attn_layer_norm", width),
      in_proj_(weights, name + ".self_attn.in_proj", width, 3 * width, Epilogue::none),
      out_proj_(weights, name + ".self_attn.out_proj", width, width, Epilogue::accumulate),
      ffn_norm_(weights, name + ".final_layer_norm", width),
      fc1_(weights, name + ".fc1", width, ffn, Epilogue::gelu),
      fc2_(weights, name + ".fc2", ffn, width, Epilogue::accumulate) {}

void EncoderLayer::pack(Precision precision) const {
  for (const Linear* linear : {&in_proj_, &out_proj_, &fc1_, &fc2_}) linear->pack(precision);
}

void EncoderLayer::forward(Team& team, const PackedBatch& batch, float* x) const {
  Workspace& w = team.own();
  const size_t rows = batch.tokens;
  float* normed = w.normed.resize(padded_rows(rows) * width_);
  float* qkv = w.qkv.resize(padded_rows(rows) * 3 * width_);
  float* context = w.context.resize(padded_rows(rows) * width_);
  attention_norm_.forward(team, x, rows, normed);
  in_proj_.multiply(team, normed, rows, qkv);
  attend(team, batch, std::numeric_limits<int>::max(), w);
  out_proj_.multiply(team, context, rows, x);
  feed_forward(team, rows, x);
}

// Keys and values of all tokens, but the queries of CLS.
void EncoderLayer::forward_cls(Team& team, const PackedBatch& batch, const float* x,
                               float* cls) const {
  Workspace& w = team.own();
  const size_t rows = batch.tokens, molecules = batch.molecules.size();
  const auto width = static_cast<size_t>(width_);
  float* normed = w.normed.resize(padded_rows(rows) * width);
  float* qkv = w.qkv.resize(padded_rows(rows) * 3 * width);
  float* context = w.context.resize(padded_rows(rows) * width);
  float* queries = w.cls.resize(padded_rows(molecules) * 3 * width);
  attention_norm_.forward(team, x, rows, normed);
  in_proj_.multiply(team, normed, rows, qkv, width_);
  for (size_t m = 0; m < molecules; ++m) {
    const size_t first = batch.molecules[m].first_token * width;
    std::copy_n(x + first, width, cls + m * width);
    std::copy_n(normed + first, width, context + m * width);
  }
  in_proj_.multiply_to(team, context, molecules, queries, width_);
  for (size_t m = 0; m < molecules; ++m)
    std::copy_n(queries + 3 * m * width, width, qkv + 3 * batch.molecules[m].first_token * width);
  attend(team, batch, 1, w);
  for (size_t m = 0; m < molecules; ++m)
    std::copy_n(context + batch.molecules[m].first_token * width, width, normed + m * width);
  out_proj_.multiply(team, normed, molecules, cls);
  feed_forward(team, molecules, cls);
}

// A worker takes some of a molecule's heads.
void EncoderLayer::attend(Team& team, const PackedBatch& batch, int queries, Workspace& w) const {
  const int parts =
      batch.molecules.size() >= 4 * size_t(team.size()) ? 1 : std::min(team.size(), 8);
  const float* qkv = w.qkv.data();
  float* context = w.context.data();
  team.share(batch.molecules.size() * parts, [&](size_t item, Workspace& own) {
    const auto& m = batch.molecules[item / parts];
    const int part = static_cast<int>(item) % parts;
    attention(m.shape,
              {m.shape.heads * part / parts, m.shape.heads * (part + 1) / parts,
               std::min(queries, m.shape.tokens)},
              qkv + m.first_token * 3 * width_, m.pair, m.pair, {},
              context + m.first_token * width_, own.attention);
  });
}

// A thread alone goes through it tile by tile, whose hidden values stay near.
void EncoderLayer::feed_forward(Team& team, size_t rows, float* x) const {
  Workspace& w = team.own();
  const size_t step = team.size() == 1 ? row_tile : rows;
  float* normed = w.normed.resize(padded_rows(step) * width_);
  float* hidden = w.ffn.resize(padded_rows(step) * ffn_);
  for (size_t row = 0; row < rows; row += step) {
    const size_t count = std::min(step, rows - row);
    ffn_norm_.forward(team, x + row * width_, count, normed);
    fc1_.multiply(team, normed, count, hidden);
    fc2_.multiply(team, hidden, count, x + row * width_);
  }
}

}  // namespace molrt
