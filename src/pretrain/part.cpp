#include "pretrain/part.h"

#include <algorithm>
#include <cmath>

namespace molrt {

PretrainPart::PretrainPart(PretrainEngine& engine, std::span<const PretrainItem> items,
                           const LossWeights& factors)
    : e_(engine), items_(items), factors_(factors), sums_(items.size()) {
  for (const PretrainItem& item : items) {
    molecules_.push_back(&item.molecule.noised);
    ids_.push_back(item.id);
    first_chosen_.push_back(chosen_);
    first_pair_row_.push_back(pair_rows_);
    chosen_ += item.molecule.chosen.size();
    pair_rows_ += item.molecule.chosen.size() * item.molecule.noised.length();
  }
}

PretrainSums PretrainPart::run(const PretrainRates& rates, PhiloxKey key, bool learn) {
  EncoderNoise noise{rates.embedding,
                     rates.attention,
                     rates.activation,
                     rates.residual,
                     key,
                     random_purpose(Purpose::train),
                     ids_};
  output_ = e_.encoder.forward(e_.team, molecules_, noise);
  ends_ = e_.encoder.ends();
  clear_gradients();
  if (chosen_ > 0) {
    tokens(learn);
    distances(learn);
    coordinates(learn);
  }
  norms();
  supervised(learn);
  if (learn) e_.encoder.backward(e_.team, noise, d_output_, {d_tokens_, d_first_, d_last_});
  PretrainSums total;
  for (const PretrainSums& sums : sums_) total += sums;
  return total;
}

void PretrainPart::clear_gradients() {
  const size_t floats = padded_rows(e_.encoder.tokens()) * width();
  const size_t pairs = e_.encoder.end_pairs();
  d_output_ = e_.d_output.zeros(floats);
  d_tokens_ = e_.d_tokens.zeros(floats);
  d_first_ = e_.d_first.zeros(pairs);
  d_last_ = e_.d_last.zeros(pairs);
}

void PretrainPart::tokens(bool learn) {
  float* rows = e_.heads.token.inputs(chosen_);
  each_chosen_token([&](size_t row, size_t token) {
    std::copy_n(output_ + token * width(), width(), rows + row * width());
  });
  const float* logits = e_.heads.token.forward(e_.team);
  float* d_logits = e_.heads.token.output_gradients();
  each_molecule([&](size_t m) { token_losses(m, logits, d_logits); });
  if (!learn) return;
  const float* d_rows = e_.heads.token.backward(e_.team);
  each_chosen_token([&](size_t row, size_t token) {
    std::copy_n(d_rows + row * width(), width(), d_output_ + token * width());
  });
}

void PretrainPart::token_losses(size_t m, const float* logits, float* d_logits) {
  const int classes = e_.architecture.vocabulary;
  size_t row = first_chosen_[m];
  for (const int32_t target : items_[m].molecule.targets) {
    const size_t first = row++ * classes;
    const TokenLoss found =
        token_loss(logits + first, classes, target, factor(PretrainLoss::token), d_logits + first);
    sums_[m].add(PretrainLoss::token, found.loss);
    sums_[m].correct += found.correct;
  }
}

// On CLS, after the final norm.
void PretrainPart::supervised(bool learn) {
  if (e_.tasks == 0) return;
  std::vector<float> cls(items_.size() * width()), outputs(items_.size() * e_.tasks);
  e_.encoder.gather_cls(output_, cls.data(), width());
  e_.heads.supervised.forward(ids_, cls.data(), outputs.data());
  for (size_t m = 0; m < items_.size(); ++m)
    supervised_losses(m, std::span(outputs).subspan(m * e_.tasks, e_.tasks));
  if (!learn) return;
  e_.heads.supervised.backward(ids_, outputs.data(), cls.data());
  for (size_t m = 0; m < items_.size(); ++m) {
    float* d = d_output_ + e_.encoder.first_token(m) * width();  // no token that is chosen
    std::copy_n(cls.data() + m * width(), width(), d);
  }
}

// The outputs become their gradients.
void PretrainPart::supervised_losses(size_t m, std::span<float> outputs) {
  for (size_t t = 0; t < outputs.size(); ++t) {
    const float label = items_[m].labels[t];
    const double error = double{outputs[t]} - label;
    outputs[t] = 0;
    if (std::isnan(label)) continue;
    sums_[m].add(PretrainLoss::supervised, smooth_l1(error));
    outputs[t] = static_cast<float>(factor(PretrainLoss::supervised) * smooth_l1_slope(error));
  }
}

}  // namespace molrt
