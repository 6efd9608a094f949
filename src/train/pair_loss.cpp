#include <algorithm>
#include <cmath>

#include "train/rdrop.h"

namespace molrt {
namespace {

// A distance of two numbers in both directions, and its gradient by the first; by the second it is
// the negative of it where the distance depends on their difference alone.
struct Point {
  double value, first, second;
};

Point of_difference(double value, double derivative) {
  return {2 * value, 2 * derivative, -2 * derivative};
}

double sigmoid(double z) { return 1 / (1 + std::exp(-z)); }

Point bernoulli(double a, double b) {
  const double p = sigmoid(a), q = sigmoid(b), gap = p - q;
  return {gap * (a - b), gap + p * (1 - p) * (a - b), -gap - q * (1 - q) * (a - b)};
}

Point of_numbers(Distance distance, double a, double b, double delta) {
  const double r = a - b;
  switch (distance) {
    case Distance::mae:
      return of_difference(std::abs(r), static_cast<double>((r > 0) - (r < 0)));
    case Distance::huber:
      return std::abs(r) <= delta
                 ? of_difference(.5 * r * r, r)
                 : of_difference(delta * (std::abs(r) - .5 * delta), std::copysign(delta, r));
    case Distance::bern:
      return bernoulli(a, b);
    default:
      return of_difference(r * r, 2 * r);
  }
}

struct Logs {
  std::vector<double> p, log_p;
  double mean_of(const std::vector<double>& x) const {
    double sum = 0;
    for (size_t c = 0; c < p.size(); ++c) sum += p[c] * x[c];
    return sum;
  }
};

Logs log_softmax(const float* z, size_t classes) {
  Logs result{std::vector<double>(classes), std::vector<double>(classes)};
  const double largest = *std::max_element(z, z + classes);
  double sum = 0;
  for (size_t c = 0; c < classes; ++c) sum += std::exp(z[c] - largest);
  for (size_t c = 0; c < classes; ++c) {
    result.log_p[c] = z[c] - largest - std::log(sum);
    result.p[c] = std::exp(result.log_p[c]);
  }
  return result;
}

// J = sum (p - q)(log p - log q); dJ/da_k = p_k - q_k + p_k (delta_k - sum p delta), where delta is
// the difference of the logarithms, and likewise of b.
double divergence(const float* a, const float* b, size_t classes, double scale, float* d_a,
                  float* d_b) {
  const Logs p = log_softmax(a, classes), q = log_softmax(b, classes);
  std::vector<double> delta(classes);
  double sum = 0;
  for (size_t c = 0; c < classes; ++c) {
    delta[c] = p.log_p[c] - q.log_p[c];
    sum += (p.p[c] - q.p[c]) * delta[c];
  }
  const double mean_p = p.mean_of(delta), mean_q = q.mean_of(delta);
  for (size_t c = 0; c < classes; ++c) {
    const double gap = p.p[c] - q.p[c];
    d_a[c] += static_cast<float>(scale * (gap + p.p[c] * (delta[c] - mean_p)));
    d_b[c] -= static_cast<float>(scale * (gap + q.p[c] * (delta[c] - mean_q)));
  }
  return scale * sum;
}

double of_rows(const PassPair& pair, Distance distance, double delta, double scale) {
  double sum = 0;
  const double one = scale / static_cast<double>(pair.outputs);
  for (size_t i = 0; i < pair.rows * pair.outputs; ++i) {
    const Point point = of_numbers(distance, pair.outputs_of[0][i], pair.outputs_of[1][i], delta);
    sum += one * point.value;
    pair.gradients[0][i] += static_cast<float>(one * point.first);
    pair.gradients[1][i] += static_cast<float>(one * point.second);
  }
  return sum;
}

double of_classes(const PassPair& pair, double scale) {
  double sum = 0;
  for (size_t row = 0; row < pair.rows; ++row) {
    const size_t at = row * pair.outputs;
    sum += divergence(pair.outputs_of[0] + at, pair.outputs_of[1] + at, pair.outputs, scale,
                      pair.gradients[0] + at, pair.gradients[1] + at);
  }
  return sum;
}

}  // namespace

PairLoss pair_loss(Distance distance, double alpha, double huber_delta) {
  return [=](const PassPair& pair, double scale) {
    const double factor = alpha / 4 * scale;
    return distance == Distance::kl ? of_classes(pair, factor)
                                    : of_rows(pair, distance, huber_delta, factor);
  };
}

}  // namespace molrt
