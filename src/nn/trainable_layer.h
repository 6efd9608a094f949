#pragma once
// encoder_layer.h's transformer layer in training: dropout, and the way back.
#include "nn/encoder_layer.h"
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

 private:
  void attend(Team&, const PackedBatch&, const EncoderNoise&, float* x, LayerTape&, LayerScratch&);
  void feed_forward(Team&, const PackedBatch&, const EncoderNoise&, float* x, LayerTape&,
                    LayerScratch&);
  void attend_backward(Team&, const PackedBatch&, const EncoderNoise&, const LayerTape&, float* d_x,
                       float* d_pair, LayerScratch&);
  void feed_forward_backward(Team&, const PackedBatch&, const EncoderNoise&, const LayerTape&,
                             float* d_x, LayerScratch&);
  void add_branch(Team&, const PackedBatch&, const EncoderNoise&, const TrainableLinear& linear,
                  const float* input, LayerSite, float* x, LayerScratch&) const;
  float* branch_gradient(Team&, const PackedBatch&, const EncoderNoise&, LayerSite,
                         const float* d_x, LayerScratch&) const;
  void pack(Team& team, Product product, const EncoderNoise& noise);
  void unpack();

  int index_, width_, ffn_;
  TrainableNorm attention_norm_;
  TrainableLinear in_proj_, out_proj_;
  TrainableNorm ffn_norm_;
  TrainableLinear fc1_, fc2_;
};

}  // namespace molrt
