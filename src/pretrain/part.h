#pragma once
// Some molecules of a batch on their way through the network and back: every loss with its
// gradient.
#include <span>
#include <vector>

#include "model/trainable_encoder.h"
#include "pretrain/heads.h"
#include "pretrain/losses.h"
#include "pretrain/masking.h"

namespace molrt {

struct PretrainRates {  // of dropout
  double embedding = .1, residual = .1, attention = .1, activation = 0;
};

struct PretrainItem {
  MaskedMolecule molecule;
  uint32_t id;
  std::span<const float> labels;  // [tasks], standardised; NaN: not known
};

// What all parts go through.
struct PretrainEngine {
  Architecture architecture;
  size_t tasks;
  Team& team;
  TrainableEncoder encoder;
  PretrainHeads heads;
  Buffer d_output, d_tokens, d_first, d_last, change, d_change, statistics;
};

class PretrainPart {
 public:
  // factors: of the losses' gradients, each loss a sum over its terms.
  PretrainPart(PretrainEngine& engine, std::span<const PretrainItem> items,
               const LossWeights& factors);
  // The losses' sums. learn: gradients are added to the parameters'.
  PretrainSums run(const PretrainRates& rates, PhiloxKey key, bool learn);

 private:
  size_t width() const { return static_cast<size_t>(e_.architecture.width); }
  size_t heads() const { return static_cast<size_t>(e_.architecture.heads); }
  double factor(PretrainLoss loss) const { return factors_[static_cast<size_t>(loss)]; }
  void clear_gradients();

  // part.cpp
  void tokens(bool learn);
  void token_losses(size_t m, const float* logits, float* d_logits);
  void supervised(bool learn);
  void supervised_losses(size_t m, std::span<float> outputs);
  // pair_losses.cpp
  void distances(bool learn);
  void distance_losses(size_t m, const float* h, float* d_h);
  void coordinates(bool learn);
  void coordinate_losses(size_t m, const float* w, float* d_w);
  void gather(const float* pairs, bool from_chosen, float* rows);
  void gather_change(float* change);
  void scatter(const float* rows, bool from_chosen, float sign, float* pairs);
  // norm_losses.cpp
  void norms();
  void token_norms(size_t m);
  void pair_norms(size_t m);
  float change(size_t place) const { return ends_.last_pairs[place] - ends_.first_pairs[place]; }

  template <typename Body>
  void each_molecule(const Body& body) {
    e_.team.share(items_.size(), [&](size_t m, Workspace&) { body(m); });
  }
  // body(row among the chosen, token among all)
  template <typename Body>
  void each_chosen_token(const Body& body) {
    each_molecule([&](size_t m) {
      size_t row = first_chosen_[m];
      for (const int32_t token : items_[m].molecule.chosen)
        body(row++, e_.encoder.first_token(m) + token);
    });
  }
  // body(row, offset of the pair's first head, step from head to head) for the pairs (chosen,
  // token), or (token, chosen), of molecule m.
  template <typename Body>
  void each_pair(size_t m, bool from_chosen, const Body& body) const {
    const AttentionShape& shape = e_.encoder.shape(m);
    const size_t first = e_.encoder.first_pair(m), stride = shape.pair_stride();
    size_t row = first_pair_row_[m];
    for (const int32_t c : items_[m].molecule.chosen)
      for (int j = 0; j < shape.tokens; ++j) {
        const size_t place = from_chosen ? c * stride + j : j * stride + c;
        body(row++, first + place, shape.head_pairs());
      }
  }

  PretrainEngine& e_;
  std::span<const PretrainItem> items_;
  const LossWeights& factors_;
  std::vector<const Features*> molecules_;
  std::vector<uint32_t> ids_;
  std::vector<size_t> first_chosen_, first_pair_row_;  // [molecules]
  size_t chosen_ = 0, pair_rows_ = 0;
  std::vector<PretrainSums> sums_;  // [molecules]
  const float* output_ = nullptr;   // the representations
  EncoderEnds ends_{};
  float *d_output_ = nullptr, *d_tokens_ = nullptr, *d_first_ = nullptr, *d_last_ = nullptr;
};

}  // namespace molrt
