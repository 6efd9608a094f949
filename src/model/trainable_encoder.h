#pragma once
// encoder.h's network in training: dropout, and the way back. One batch goes through it at a time,
// all threads on each operation.
#include <algorithm>
#include <span>
#include <vector>

#include "features/features.h"
#include "model/architecture.h"
#include "nn/layer_parts.h"
#include "nn/trainable_layer.h"
#include "nn/trainable_pair_bias.h"

namespace molrt {

// One molecule's way into a layer.
struct LayerInput {
  std::vector<float> tokens;  // [n, width]
  std::vector<float> pairs;   // the layer's attention bias [heads, n, pair_stride]
  size_t bytes() const { return (tokens.size() + pairs.size()) * sizeof(float); }
};

// What pre-training reads of a pass beside the representations (spec: model.md section 5), until
// the next pass or the way back. Pair matrices are those of all molecules, one behind the other.
struct EncoderEnds {
  const float* tokens;       // [tokens, width], of the last layer, before its norm
  const float* first_pairs;  // the first layer's bias
  const float* last_pairs;   // the last layer's logits
};
struct EndGradients {  // laid out likewise, 0 in padding columns
  const float *tokens, *first_pairs, *last_pairs;
};

class TrainableEncoder {
 public:
  // `parameters` outlives it.
  TrainableEncoder(const Architecture& architecture, Parameters& parameters);

  // The way back ends above the first `layers` layers, whose parameters and all that feeds them get
  // no gradients; -1: it ends nowhere.
  void set_frozen_layers(int layers) { frozen_layers_ = layers; }

  // What a molecule's activations take from its forward pass to its way back.
  size_t activation_bytes(int tokens) const;

  // There will be no way back: the layers share two tapes.
  void set_forward_only() { tapes_.resize(2); }

  // Tokens of the molecules, one behind the other -> their representations [padded_rows(tokens),
  // width], which live until the next pass. Molecule m begins at row first_token(m), with CLS.
  const float* forward(Team& team, std::span<const Features* const> molecules,
                       const EncoderNoise& noise);
  // The same in two parts, below the first layer that is not frozen and from there on.
  std::vector<LayerInput> forward_frozen(Team& team, std::span<const Features* const> molecules,
                                         const EncoderNoise& noise);
  const float* forward_trained(Team& team, std::span<const Features* const> molecules,
                               std::span<const LayerInput* const> inputs,
                               const EncoderNoise& noise);
  // CLS of each molecule, of such representations; [molecules], `stride` numbers apart.
  void gather_cls(const float* output, float* cls, size_t stride) const;
  // The gradient of what only CLS counts for, as backward() takes it, until the next call.
  float* scatter_cls(const float* d_cls, size_t stride);
  size_t tokens() const { return batch_.tokens; }
  const AttentionShape& shape(size_t molecule) const { return batch_.molecules[molecule].shape; }
  size_t first_token(size_t molecule) const { return batch_.molecules[molecule].first_token; }

  // d_output [padded_rows(tokens), width], 0 in padding rows; destroyed. Adds to the parameters'
  // gradients. `noise` is the forward pass's.
  void backward(Team& team, const EncoderNoise& noise, float* d_output) {
    backward(team, noise, d_output, nullptr);
  }

  // After forward().
  EncoderEnds ends() const;
  size_t end_pairs() const { return pair_floats(batch_); }  // floats of such pair matrices
  size_t first_pair(size_t molecule) const { return pair_offset(batch_, molecule); }
  void backward(Team& team, const EncoderNoise& noise, float* d_output,
                const EndGradients& d_ends) {
    backward(team, noise, d_output, &d_ends);
  }

  // Attribution (trainable_encoder_attribution.cpp): after a forward pass, with its noise, and
  // before a way back or another pass. No parameter's gradient is touched.
  // The attention A of the pass.
  void visit_attention(Team& team, const EncoderNoise& noise, AttributedLayers layers,
                       const AttentionVisitor& visit);
  // A and dt/dA, from the output's gradient as in backward(). A later layer's attention counts as
  // what depends on an earlier one's.
  void attribute(Team& team, const EncoderNoise& noise, AttributedLayers layers,
                 const float* d_output, const AttentionVisitor& visit, Shown shown = Shown::all);

  // Integrated gradients, in which A depends on nothing. First the attention of the last pass is
  // held, from layers.front() on; other passes, visits and ways back than these two have to wait
  // for the next forward().
  void hold_attention(Team& team, const EncoderNoise& noise, AttributedLayers layers);
  // The pass once more with scale A in `layers` and A in the others; the rest as it was.
  const float* forward_held(Team& team, const EncoderNoise& noise, AttributedLayers layers,
                            float scale);
  // A and, of the last forward_held(), the gradient of scale A.
  void attribute_held(Team& team, const EncoderNoise& noise, AttributedLayers layers, float scale,
                      const float* d_output, const AttentionVisitor& visit);

 private:
  int first_trained() const { return std::max(frozen_layers_, 0); }
  LayerTape& tape(int layer);
  // x_ and the pair matrices, up to their first values.
  void place(std::span<const Features* const> molecules);
  void enter(Team& team, std::span<const Features* const> molecules, const EncoderNoise& noise);
  // Through the layers [first, last); returns the next one's bias, laid out as pair_.
  const float* run_layers(Team& team, const EncoderNoise& noise, int first, int last);
  const float* leave(Team& team);
  void embed(Team& team, const EncoderNoise& noise, float* x);
  void embed_backward(Team& team, const EncoderNoise& noise, float* d_x);
  // The gradient of the last layer's output.
  float* leave_attribute(Team& team, const float* d_output);
  float* start_pair_gradients(const EndGradients* d_ends);
  void backward(Team& team, const EncoderNoise& noise, float* d_output, const EndGradients* d_ends);

  Architecture architecture_;
  Parameter embed_tokens_;
  TrainableNorm embedding_norm_;
  TrainablePairBias pair_bias_;
  std::vector<TrainableLayer> layers_;
  TrainableNorm final_norm_;
  NormInputGradient final_norm_input_;
  int frozen_layers_ = -1;

  // Of the batch in training.
  PackedBatch batch_;
  std::vector<TokenView> molecules_;
  Buffer pair_, d_pair_, embedded_, x_, output_, d_output_;
  std::vector<LayerTape> tapes_;
  LayerScratch scratch_;
};

}  // namespace molrt
