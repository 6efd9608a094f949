// What holds the norms of tokens and pairs near the square root of their dimension.
#include <algorithm>
#include <vector>

#include "pretrain/part.h"

namespace molrt {
namespace {

float square(float x) { return x * x; }

}  // namespace

void PretrainPart::norms() {
  each_molecule([&](size_t m) {
    token_norms(m);
    pair_norms(m);
  });
}

void PretrainPart::token_norms(size_t m) {
  const int n = molecules_[m]->length();
  const double share = factor(PretrainLoss::norm) / n;
  double loss = 0;
  for (int i = 0; i < n; ++i) {
    const float* x = ends_.tokens + (e_.encoder.first_token(m) + i) * width();
    float* d_x = d_tokens_ + (e_.encoder.first_token(m) + i) * width();
    double squares = 0;
    for (size_t k = 0; k < width(); ++k) squares += double{x[k]} * x[k];
    const NormLoss found = norm_loss(squares, static_cast<int>(width()));
    loss += found.loss;
    if (found.factor == 0) continue;
    const auto scale = static_cast<float>(share * found.factor);
    for (size_t k = 0; k < width(); ++k) d_x[k] = scale * x[k];
  }
  sums_[m].add(PretrainLoss::norm, loss / n);
}

// Row by row of the pair matrices, all keys of a row at once.
void PretrainPart::pair_norms(size_t m) {
  const AttentionShape& shape = e_.encoder.shape(m);
  const size_t n = static_cast<size_t>(shape.tokens), first = e_.encoder.first_pair(m);
  const double share = factor(PretrainLoss::pair_norm) / double(n * n);
  std::vector<float> squares(n), scale(n);
  double loss = 0;
  for (size_t i = 0; i < n; ++i) {
    std::fill(squares.begin(), squares.end(), 0.0f);
    const size_t row = first + i * shape.pair_stride();
    for (size_t h = 0; h < heads(); ++h)
      for (size_t j = 0; j < n; ++j) squares[j] += square(change(row + h * shape.head_pairs() + j));
    for (size_t j = 0; j < n; ++j) {
      const NormLoss found = norm_loss(squares[j], shape.heads);
      loss += found.loss;
      scale[j] = static_cast<float>(share * found.factor);
    }
    for (size_t h = 0; h < heads(); ++h)
      for (size_t j = 0; j < n; ++j) {
        const size_t place = row + h * shape.head_pairs() + j;
        const float d = scale[j] * change(place);
        d_last_[place] += d;
        d_first_[place] -= d;
      }
  }
  sums_[m].add(PretrainLoss::pair_norm, loss / double(n * n));
}

}  // namespace molrt
