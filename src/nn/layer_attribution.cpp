// TrainableLayer's attribution.
#include <algorithm>
#include <array>

#include "kernels/attention_weights.h"
#include "kernels/gelu.h"
#include "nn/layer_parts.h"
#include "nn/trainable_layer.h"

namespace molrt {
namespace {

// A molecule's part of what a layer's pass works on.
struct MoleculeView {
  AttentionShape shape;
  size_t row, pair;  // its first row, and where its pair matrices begin
  size_t head_pair(int head) const { return pair + shape.head_pairs() * head; }
};

MoleculeView view(const PackedBatch& batch, size_t m) {
  return {batch.molecules[m].shape, batch.molecules[m].first_token, pair_offset(batch, m)};
}

}  // namespace

TrainableLayer::InputGradients::InputGradients(const Parameters& parameters,
                                               const std::string& layer, int width, int ffn)
    : attention_norm(parameters, layer + "self_attn_layer_norm", width),
      ffn_norm(parameters, layer + "final_layer_norm", width),
      in_proj(parameters, layer + "self_attn.in_proj", width, 3 * width),
      values(parameters, layer + "self_attn.in_proj", width, 3 * width, 2 * width, width),
      out_proj(parameters, layer + "self_attn.out_proj", width, width),
      fc1(parameters, layer + "fc1", width, ffn),
      fc2(parameters, layer + "fc2", ffn, width) {}

void TrainableLayer::InputGradients::pack(Team& team, const EncoderNoise& noise,
                                          LinearInputGradient* projection) {
  const std::array<LinearInputGradient*, 4> all = {&out_proj, &fc1, &fc2, projection};
  team.share(projection ? 4 : 3, [&](size_t i, Workspace& w) { all[i]->pack(noise.weights, w); });
}

void TrainableLayer::InputGradients::unpack() {
  for (LinearInputGradient* linear : {&in_proj, &values, &out_proj, &fc1, &fc2}) linear->unpack();
}

void TrainableLayer::visit_attention(Team& team, const PackedBatch& batch,
                                     const EncoderNoise& noise, const LayerTape& tape,
                                     const AttentionVisitor& visit) const {
  share_heads(
      team, batch, noise, index_, [&](size_t m, int head, const AttentionNoise& own, Workspace& w) {
        const MoleculeView v = view(batch, m);
        float* weights = w.weights.resize(v.shape.head_pairs());
        attention_weights(v.shape, head, tape.logits.data() + v.pair, own, weights, w.attention);
        visit({index_, m, head, v.shape, weights, nullptr});
      });
}

void TrainableLayer::feed_forward_attribute(Team& team, const PackedBatch& batch,
                                            const EncoderNoise& noise, const LayerTape& tape,
                                            float* d_x, LayerScratch& s) const {
  const size_t rows = padded_rows(batch.tokens);
  const float* before = tape.hidden.data();
  float* d_branch = branch_gradient(team, batch, noise, site_residual_2, d_x, s);
  float* d_hidden = s.d_hidden.resize(rows * ffn_);
  inputs_.fc2.backward(team, d_branch, rows, d_hidden);
  drop_rows(team, batch, noise, noise.activation, layer_site(index_, site_activation), ffn_,
            d_hidden);
  share_values(team, rows * ffn_, [&](size_t first, size_t n) {
    gelu_backward(before + first, d_hidden + first, n, d_hidden + first);
  });
  inputs_.fc1.backward(team, d_hidden, rows, d_branch);
  inputs_.ffn_norm.backward(team, tape.middle.data(), d_branch, rows, d_x,
                            s.statistics.resize(2 * rows));
}

const float* TrainableLayer::context_gradient(Team& team, const PackedBatch& batch,
                                              const EncoderNoise& noise, const LayerTape& tape,
                                              float* d_x, LayerScratch& s) const {
  feed_forward_attribute(team, batch, noise, tape, d_x, s);
  const size_t rows = padded_rows(batch.tokens);
  const float* d_branch = branch_gradient(team, batch, noise, site_residual_1, d_x, s);
  float* d_context = s.d_context.resize(rows * width_);
  inputs_.out_proj.backward(team, d_branch, rows, d_context);
  return d_context;
}

void TrainableLayer::projection_attribute(Team& team, const PackedBatch& batch,
                                          const LayerTape& tape,
                                          const LinearInputGradient& projection,
                                          const float* d_projected, float* d_x,
                                          LayerScratch& s) const {
  const size_t rows = padded_rows(batch.tokens);
  float* d_normed = s.branch.resize(rows * width_);
  projection.backward(team, d_projected, rows, d_normed);
  inputs_.attention_norm.backward(team, tape.input.data(), d_normed, rows, d_x,
                                  s.statistics.resize(2 * rows));
}

void TrainableLayer::attribute(Team& team, const PackedBatch& batch, const EncoderNoise& noise,
                               const LayerTape& tape, WayBack way, const AttentionVisitor* visit,
                               Shown shown, float* d_x, float* d_pair, LayerScratch& s) {
  const bool through = way == WayBack::through;
  inputs_.pack(team, noise, through ? &inputs_.in_proj : nullptr);
  const float* d_context = context_gradient(team, batch, noise, tape, d_x, s);
  if (visit) visit_gradients(team, batch, noise, tape, d_context, shown, *visit);
  if (through)
    projection_attribute(team, batch, tape, inputs_.in_proj,
                         heads_backward(team, batch, noise, tape, d_context, d_pair, s), d_x, s);
  inputs_.unpack();
}

void TrainableLayer::visit_gradients(Team& team, const PackedBatch& batch,
                                     const EncoderNoise& noise, const LayerTape& tape,
                                     const float* d_context, Shown shown,
                                     const AttentionVisitor& visit) const {
  const bool all = shown == Shown::all;
  share_heads(
      team, batch, noise, index_, [&](size_t m, int head, const AttentionNoise& own, Workspace& w) {
        const MoleculeView v = view(batch, m);
        float* weights = w.weights.resize(2 * v.shape.head_pairs());
        float* gradient = weights + v.shape.head_pairs();
        if (all)
          attention_weights(v.shape, head, tape.logits.data() + v.pair, own, weights, w.attention);
        attention_weights_gradient(v.shape, head, tape.qkv.data() + v.row * 3 * width_,
                                   d_context + v.row * width_, gradient, w.attention);
        visit({index_, m, head, v.shape, all ? weights : nullptr, gradient});
      });
}

void TrainableLayer::hold_attention(Team& team, const PackedBatch& batch, const EncoderNoise& noise,
                                    LayerTape& tape) const {
  share_heads(team, batch, noise, index_,
              [&](size_t m, int head, const AttentionNoise& own, Workspace& w) {
                const MoleculeView v = view(batch, m);
                float* logits = tape.logits.data();
                attention_weights(v.shape, head, logits + v.pair, own, logits + v.head_pair(head),
                                  w.attention);
              });
}

void TrainableLayer::forward_held(Team& team, const PackedBatch& batch, const EncoderNoise& noise,
                                  float scale, float* x, LayerTape& tape, LayerScratch& s) {
  pack(team, Product::forward, noise);
  project(team, batch, x, tape, s);
  float* context = tape.context.data();
  share_heads(team, batch, noise, index_,
              [&](size_t m, int head, const AttentionNoise&, Workspace& w) {
                const MoleculeView v = view(batch, m);
                apply_weights(v.shape, head, tape.qkv.data() + v.row * 3 * width_,
                              tape.logits.data() + v.head_pair(head), scale,
                              context + v.row * width_, w.attention);
              });
  add_context(team, batch, noise, x, tape, s);
  feed_forward(team, batch, noise, x, tape, s);
  unpack();
}

const float* TrainableLayer::held_values_gradient(Team& team, const PackedBatch& batch,
                                                  const EncoderNoise& noise, float scale,
                                                  const LayerTape& tape, const float* d_context,
                                                  LayerScratch& s) const {
  const size_t rows = padded_rows(batch.tokens);
  float* d_values = s.d_qkv.resize(rows * width_);
  share_heads(
      team, batch, noise, index_, [&](size_t m, int head, const AttentionNoise&, Workspace& w) {
        const MoleculeView v = view(batch, m);
        apply_weights_backward(v.shape, head, tape.logits.data() + v.head_pair(head), scale,
                               d_context + v.row * width_, d_values + v.row * width_, w.attention);
      });
  std::fill(d_values + batch.tokens * width_, d_values + rows * width_, 0.0f);
  return d_values;
}

void TrainableLayer::attribute_held(Team& team, const PackedBatch& batch, const EncoderNoise& noise,
                                    float scale, const LayerTape& tape, WayBack way,
                                    const AttentionVisitor* visit, float* d_x, LayerScratch& s) {
  const bool through = way == WayBack::through;
  inputs_.pack(team, noise, through ? &inputs_.values : nullptr);
  const float* d_context = context_gradient(team, batch, noise, tape, d_x, s);
  if (visit) visit_held_gradients(team, batch, noise, tape, d_context, *visit);
  if (through)
    projection_attribute(team, batch, tape, inputs_.values,
                         held_values_gradient(team, batch, noise, scale, tape, d_context, s), d_x,
                         s);
  inputs_.unpack();
}

void TrainableLayer::visit_held_gradients(Team& team, const PackedBatch& batch,
                                          const EncoderNoise& noise, const LayerTape& tape,
                                          const float* d_context,
                                          const AttentionVisitor& visit) const {
  share_heads(team, batch, noise, index_,
              [&](size_t m, int head, const AttentionNoise&, Workspace& w) {
                const MoleculeView v = view(batch, m);
                float* gradient = w.weights.resize(v.shape.head_pairs());
                attention_weights_gradient(v.shape, head, tape.qkv.data() + v.row * 3 * width_,
                                           d_context + v.row * width_, gradient, w.attention);
                visit({index_, m, head, v.shape, tape.logits.data() + v.head_pair(head), gradient});
              });
}

}  // namespace molrt
