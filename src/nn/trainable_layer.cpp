#include "nn/trainable_layer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "kernels/gelu.h"
#include "nn/layer_parts.h"

namespace molrt {
namespace {

std::string layer_name(int index, const char* part) {
  return fmt::format("encoder.layers.{}.{}", index, part);
}

}  // namespace

TrainableLayer::TrainableLayer(const Parameters& parameters, int index, int width, int ffn)
    : index_(index),
      width_(width),
      ffn_(ffn),
      attention_norm_(parameters, layer_name(index, "self_attn_layer_norm"), width),
      in_proj_(parameters, layer_name(index, "self_attn.in_proj"), width, 3 * width),
      out_proj_(parameters, layer_name(index, "self_attn.out_proj"), width, width),
      ffn_norm_(parameters, layer_name(index, "final_layer_norm"), width),
      fc1_(parameters, layer_name(index, "fc1"), width, ffn),
      fc2_(parameters, layer_name(index, "fc2"), ffn, width),
      inputs_(parameters, layer_name(index, ""), width, ffn) {}

// Without dropout the residual sum is the product's, as in encoder_layer.cpp.
void TrainableLayer::pack(Team& team, Product product, const EncoderNoise& noise) {
  const bool forward = product == Product::forward;
  const Epilogue residual = forward && noise.residual == 0 ? Epilogue::accumulate : Epilogue::none;
  const std::array<std::pair<TrainableLinear*, Epilogue>, 4> all = {{{&in_proj_, Epilogue::none},
                                                                     {&out_proj_, residual},
                                                                     {&fc1_, Epilogue::none},
                                                                     {&fc2_, residual}}};
  team.share(all.size(), [&](size_t i, Workspace& w) {
    all[i].first->pack(product, all[i].second, noise.weights, team.precision(), w);
  });
}

void TrainableLayer::unpack() {
  for (TrainableLinear* linear : {&in_proj_, &out_proj_, &fc1_, &fc2_}) linear->unpack();
}

void TrainableLayer::forward(Team& team, const PackedBatch& batch, const EncoderNoise& noise,
                             float* x, LayerTape& tape, LayerScratch& scratch) {
  pack(team, Product::forward, noise);
  attend(team, batch, noise, x, tape, scratch);
  feed_forward(team, batch, noise, x, tape, scratch);
  unpack();
}

// x += dropout(linear(input))
void TrainableLayer::add_branch(Team& team, const PackedBatch& batch, const EncoderNoise& noise,
                                const TrainableLinear& linear, const float* input, LayerSite site,
                                float* x, LayerScratch& s) const {
  const size_t rows = padded_rows(batch.tokens);
  if (noise.residual == 0) return linear.forward(team, input, rows, x);
  float* branch = s.branch.resize(rows * width_);
  linear.forward(team, input, rows, branch);
  drop_rows(team, batch, noise, noise.residual, layer_site(index_, site), width_, branch);
  add_values(team, branch, batch.tokens * width_, x);
}

// The gradient of the branch before its dropout, from that of x.
float* TrainableLayer::branch_gradient(Team& team, const PackedBatch& batch,
                                       const EncoderNoise& noise, LayerSite site, const float* d_x,
                                       LayerScratch& s) const {
  const size_t floats = padded_rows(batch.tokens) * width_;
  float* d_branch = s.branch.resize(floats);
  std::copy_n(d_x, floats, d_branch);
  drop_rows(team, batch, noise, noise.residual, layer_site(index_, site), width_, d_branch);
  return d_branch;
}

// tape.input and tape.qkv.
void TrainableLayer::project(Team& team, const PackedBatch& batch, const float* x, LayerTape& tape,
                             LayerScratch& s) {
  const size_t rows = padded_rows(batch.tokens);
  std::copy_n(x, rows * width_, tape.input.resize(rows * width_));
  float* normed = s.normed.resize(rows * width_);
  attention_norm_.forward(team, x, rows, normed);
  in_proj_.forward(team, normed, rows, tape.qkv.resize(rows * 3 * width_));
}

// x += dropout(out_proj(tape.context))
void TrainableLayer::add_context(Team& team, const PackedBatch& batch, const EncoderNoise& noise,
                                 float* x, LayerTape& tape, LayerScratch& s) {
  float* context = tape.context.data();
  std::fill(context + batch.tokens * width_, context + padded_rows(batch.tokens) * width_, 0.0f);
  add_branch(team, batch, noise, out_proj_, context, site_residual_1, x, s);
}

void TrainableLayer::attend(Team& team, const PackedBatch& batch, const EncoderNoise& noise,
                            float* x, LayerTape& tape, LayerScratch& s) {
  project(team, batch, x, tape, s);
  const float* qkv = tape.qkv.data();
  float* context = tape.context.resize(padded_rows(batch.tokens) * width_);
  float* logits = tape.logits.resize(pair_floats(batch));
  share_heads(team, batch, noise, index_,
              [&](size_t m, int head, const AttentionNoise& own, Workspace& w) {
                const PackedBatch::Molecule& molecule = batch.molecules[m];
                attention(molecule.shape, {head, head + 1, molecule.shape.tokens},
                          qkv + molecule.first_token * 3 * width_, molecule.pair,
                          logits + pair_offset(batch, m), own,
                          context + molecule.first_token * width_, w.attention);
              });
  add_context(team, batch, noise, x, tape, s);
}

// d_context -> the gradient of tape.qkv, which is returned; d_pair as in backward().
float* TrainableLayer::heads_backward(Team& team, const PackedBatch& batch,
                                      const EncoderNoise& noise, const LayerTape& tape,
                                      const float* d_context, float* d_pair, LayerScratch& s) {
  const size_t rows = padded_rows(batch.tokens);
  float* d_qkv = s.d_qkv.resize(rows * 3 * width_);
  share_heads(team, batch, noise, index_,
              [&](size_t m, int head, const AttentionNoise& own, Workspace& w) {
                const PackedBatch::Molecule& molecule = batch.molecules[m];
                const size_t row = molecule.first_token, pair = pair_offset(batch, m);
                attention_head_backward(molecule.shape, head, tape.qkv.data() + row * 3 * width_,
                                        tape.logits.data() + pair, own, d_context + row * width_,
                                        d_pair + pair, d_qkv + row * 3 * width_, w.attention);
              });
  std::fill(d_qkv + batch.tokens * 3 * width_, d_qkv + rows * 3 * width_, 0.0f);
  return d_qkv;
}

void TrainableLayer::attend_backward(Team& team, const PackedBatch& batch,
                                     const EncoderNoise& noise, const LayerTape& tape, float* d_x,
                                     float* d_pair, LayerScratch& s) {
  const size_t rows = padded_rows(batch.tokens);
  float* d_branch = branch_gradient(team, batch, noise, site_residual_1, d_x, s);
  float* d_context = s.d_context.resize(rows * width_);
  float* normed = s.normed.resize(rows * width_);
  out_proj_.backward(team, tape.context.data(), d_branch, rows, d_context);
  const float* d_qkv = heads_backward(team, batch, noise, tape, d_context, d_pair, s);
  attention_norm_.forward(team, tape.input.data(), rows, normed);
  in_proj_.backward(team, normed, d_qkv, rows, d_branch);
  attention_norm_.backward(team, tape.input.data(), d_branch, rows, d_x,
                           s.statistics.resize(2 * rows));
}

void TrainableLayer::feed_forward(Team& team, const PackedBatch& batch, const EncoderNoise& noise,
                                  float* x, LayerTape& tape, LayerScratch& s) {
  const size_t rows = padded_rows(batch.tokens);
  std::copy_n(x, rows * width_, tape.middle.resize(rows * width_));
  float* normed = s.normed.resize(rows * width_);
  float* before = tape.hidden.resize(rows * ffn_);
  float* hidden = s.hidden.resize(rows * ffn_);
  ffn_norm_.forward(team, x, rows, normed);
  fc1_.forward(team, normed, rows, before);
  share_values(team, rows * ffn_,
               [&](size_t first, size_t n) { gelu_forward(before + first, n, hidden + first); });
  drop_rows(team, batch, noise, noise.activation, layer_site(index_, site_activation), ffn_,
            hidden);
  add_branch(team, batch, noise, fc2_, hidden, site_residual_2, x, s);
}

void TrainableLayer::feed_forward_backward(Team& team, const PackedBatch& batch,
                                           const EncoderNoise& noise, const LayerTape& tape,
                                           float* d_x, LayerScratch& s) {
  const size_t rows = padded_rows(batch.tokens);
  const float* before = tape.hidden.data();
  float* d_branch = branch_gradient(team, batch, noise, site_residual_2, d_x, s);
  float* hidden = s.hidden.resize(rows * ffn_);
  float* d_hidden = s.d_hidden.resize(rows * ffn_);
  float* normed = s.normed.resize(rows * width_);
  const uint32_t activation = layer_site(index_, site_activation);
  share_values(team, rows * ffn_,
               [&](size_t first, size_t n) { gelu_forward(before + first, n, hidden + first); });
  drop_rows(team, batch, noise, noise.activation, activation, ffn_, hidden);
  fc2_.backward(team, hidden, d_branch, rows, d_hidden);
  drop_rows(team, batch, noise, noise.activation, activation, ffn_, d_hidden);
  share_values(team, rows * ffn_, [&](size_t first, size_t n) {
    gelu_backward(before + first, d_hidden + first, n, d_hidden + first);
  });
  ffn_norm_.forward(team, tape.middle.data(), rows, normed);
  fc1_.backward(team, normed, d_hidden, rows, d_branch);
  ffn_norm_.backward(team, tape.middle.data(), d_branch, rows, d_x, s.statistics.resize(2 * rows));
}

void TrainableLayer::backward(Team& team, const PackedBatch& batch, const EncoderNoise& noise,
                              const LayerTape& tape, float* d_x, float* d_pair,
                              LayerScratch& scratch) {
  pack(team, Product::backward, noise);
  feed_forward_backward(team, batch, noise, tape, d_x, scratch);
  attend_backward(team, batch, noise, tape, d_x, d_pair, scratch);
  unpack();
}

}  // namespace molrt
