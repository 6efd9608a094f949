#pragma once
// encoder_layer.h's transformer layer in training: dropout, and the way back.
#include "nn/attribution.h"
#include "nn/encoder_layer.h"
#include "nn/input_gradient.h"
#include "nn/noise.h"
#include "nn/trainable_linear.h"

namespace molrt {

// What the backward pass needs of a layer's forward pass. Reused from step to step.
struct LayerTape {
  Buffer input;    // x [rows, width]
  Buffer qkv;      // [rows, 3 width]
  Buffer logits;   // all molecules' [heads, n, pair_stride]
  Buffer context;  // [rows, width]
  Buffer middle;   // x after attention [rows, width]
  Buffer hidden;   // fc1's output before GELU [rows, ffn]
};

// Scratch of one layer's pass; every layer uses the same.
struct LayerScratch {
  Buffer normed, branch, hidden, d_hidden, d_qkv, d_context, statistics;
};

class TrainableLayer {
 public:
  TrainableLayer(const Parameters& parameters, int index, int width, int ffn);

  // x [rows, width] in place. The batch's pair matrices are this layer's bias; tape.logits, in the
  // same order, the next one's.
  void forward(Team& team, const PackedBatch& batch, const EncoderNoise& noise, float* x,
               LayerTape& tape, LayerScratch& scratch);
  // d_x [rows, width] in place; d_pair, laid out as the batch's pair matrices: in, the gradient of
  // tape.logits from the next layer; out, that of this layer's bias. Adds to the parameters'
  // gradients.
  void backward(Team& team, const PackedBatch& batch, const EncoderNoise& noise,
                const LayerTape& tape, float* d_x, float* d_pair, LayerScratch& scratch);

  // Attribution (layer_attribution.cpp) to the attention of the forward pass that the tape is of.
  void visit_attention(Team& team, const PackedBatch& batch, const EncoderNoise& noise,
                       const LayerTape& tape, const AttentionVisitor& visit) const;
  // backward() for the activations alone; `visit` may be null. A way that ends at the attention
  // leaves d_x and d_pair of no use.
  enum class WayBack { through, to_attention };
  void attribute(Team& team, const PackedBatch& batch, const EncoderNoise& noise,
                 const LayerTape& tape, WayBack way, const AttentionVisitor* visit, Shown shown,
                 float* d_x, float* d_pair, LayerScratch& scratch);

  // The tape's logits become the attention A itself, for passes in which it depends on nothing.
  void hold_attention(Team& team, const PackedBatch& batch, const EncoderNoise& noise,
                      LayerTape& tape) const;
  // forward() with scale A for the attention, and its way back, on which `visit` is shown A and the
  // gradient of scale A.
  void forward_held(Team& team, const PackedBatch& batch, const EncoderNoise& noise, float scale,
                    float* x, LayerTape& tape, LayerScratch& scratch);
  void attribute_held(Team& team, const PackedBatch& batch, const EncoderNoise& noise, float scale,
                      const LayerTape& tape, WayBack way, const AttentionVisitor* visit, float* d_x,
                      LayerScratch& scratch);

 private:
  // Ways back without the parameters' gradients.
  struct InputGradients {
    InputGradients(const Parameters& parameters, const std::string& layer, int width, int ffn);
    // in_proj, values or, where the way ends at the attention, null.
    void pack(Team& team, const EncoderNoise& noise, LinearInputGradient* projection);
    void unpack();

    NormInputGradient attention_norm, ffn_norm;
    LinearInputGradient in_proj, values, out_proj, fc1, fc2;  // values: in_proj's last third
  };
  void project(Team&, const PackedBatch&, const float* x, LayerTape&, LayerScratch&);
  void add_context(Team&, const PackedBatch&, const EncoderNoise&, float* x, LayerTape&,
                   LayerScratch&);
  void attend(Team&, const PackedBatch&, const EncoderNoise&, float* x, LayerTape&, LayerScratch&);
  void feed_forward(Team&, const PackedBatch&, const EncoderNoise&, float* x, LayerTape&,
                    LayerScratch&);
  void attend_backward(Team&, const PackedBatch&, const EncoderNoise&, const LayerTape&, float* d_x,
                       float* d_pair, LayerScratch&);
  float* heads_backward(Team&, const PackedBatch&, const EncoderNoise&, const LayerTape&,
                        const float* d_context, float* d_pair, LayerScratch&);
  void feed_forward_backward(Team&, const PackedBatch&, const EncoderNoise&, const LayerTape&,
                             float* d_x, LayerScratch&);
  void add_branch(Team&, const PackedBatch&, const EncoderNoise&, const TrainableLinear& linear,
                  const float* input, LayerSite, float* x, LayerScratch&) const;
  float* branch_gradient(Team&, const PackedBatch&, const EncoderNoise&, LayerSite,
                         const float* d_x, LayerScratch&) const;
  // The gradient of tape.context; d_x becomes that of tape.middle.
  const float* context_gradient(Team&, const PackedBatch&, const EncoderNoise&, const LayerTape&,
                                float* d_x, LayerScratch&) const;
  void feed_forward_attribute(Team&, const PackedBatch&, const EncoderNoise&, const LayerTape&,
                              float* d_x, LayerScratch&) const;
  void projection_attribute(Team&, const PackedBatch&, const LayerTape&,
                            const LinearInputGradient& projection, const float* d_projected,
                            float* d_x, LayerScratch&) const;
  void visit_gradients(Team&, const PackedBatch&, const EncoderNoise&, const LayerTape&,
                       const float* d_context, Shown, const AttentionVisitor&) const;
  void visit_held_gradients(Team&, const PackedBatch&, const EncoderNoise&, const LayerTape&,
                            const float* d_context, const AttentionVisitor&) const;
  const float* held_values_gradient(Team&, const PackedBatch&, const EncoderNoise&, float scale,
                                    const LayerTape&, const float* d_context, LayerScratch&) const;
  void pack(Team& team, Product product, const EncoderNoise& noise);
  void unpack();

  int index_, width_, ffn_;
  TrainableNorm attention_norm_;
  TrainableLinear in_proj_, out_proj_;
  TrainableNorm ffn_norm_;
  TrainableLinear fc1_, fc2_;
  InputGradients inputs_;
};

}  // namespace molrt
