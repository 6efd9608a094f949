#pragma once
// The network in pre-training: masked molecules in, the losses of the recipe and their gradients
// out (spec: model.md section 5).
#include <span>
#include <string>
#include <vector>

#include "model/model.h"
#include "model/trainable_encoder.h"
#include "pretrain/losses.h"
#include "pretrain/masking.h"
#include "pretrain/output_head.h"
#include "train/trained_tensor.h"

namespace molrt {

struct PretrainRates {  // of dropout
  double embedding = .1, residual = .1, attention = .1, activation = 0;
};

struct PretrainItem {
  MaskedMolecule molecule;
  uint32_t id;
  std::span<const float> labels;  // [tasks], standardised; NaN: not known
};

// The tensors that pre-training adds to an encoder's, untrained where `tensors` lacks them.
TensorMap with_pretraining_heads(const TensorMap& tensors, const Architecture& architecture,
                                 size_t tasks, uint64_t seed);

class PretrainNetwork {
 public:
  // tensors: an encoder's, with those heads.
  PretrainNetwork(const Architecture& architecture, const TensorMap& tensors, size_t tasks,
                  const LossWeights& weights, Team& team);

  std::vector<TrainedTensor> tensors(double decay);  // decay: of weights, not of biases and norms
  // Sets the gradients to those of the losses' weighted sum, each the mean over the batch.
  PretrainSums learn(std::span<const PretrainItem> batch, const PretrainRates& rates,
                     PhiloxKey key);
  PretrainSums evaluate(std::span<const PretrainItem> batch);  // without dropout or gradients
  TensorMap copy_tensors() const;
  const Parameters& parameters() const { return parameters_; }

 private:
  using Items = std::span<const PretrainItem>;
  // Of what each loss is the mean in the batch, and its gradient's factor.
  using Factors = std::array<double, pretrain_losses>;
  class Part;
  Factors factors(Items batch) const;
  PretrainSums run(Items batch, const PretrainRates& rates, PhiloxKey key, bool learn);

  Architecture architecture_;
  size_t tasks_;
  LossWeights weights_;
  Team& team_;
  Parameters parameters_;
  TrainableEncoder encoder_;
  OutputHead token_head_, coordinate_head_, distance_head_;
  TrainableNorm pair_norm_;
  Head supervised_, supervised_gradient_;
  HeadActivations activations_;
  Buffer d_output_, d_tokens_, d_first_, d_last_;
  Buffer change_, normed_change_, d_change_, statistics_;
};

}  // namespace molrt
