// The moments of inverted dropout (regularisers.md 1.2, source 000): what it keeps of a mean and
// what it does to a variance, and hence to a mean behind a nonlinearity.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <numbers>

#include "kernels/dropout.h"
#include "support/toy_net.h"

namespace molrt {
namespace {

constexpr uint32_t site = 50, noise_site = 51, value_site = 52;  // apart from each other

double normal(uint32_t a, uint32_t where, uint64_t i) {
  return random_normal(random_key(17, 0), a, where, 0, i);
}

// x as draw `number` leaves it.
std::vector<float> dropped(std::vector<float> x, double p, uint32_t number) {
  dropout_apply({random_key(17, 0), number, site, random_purpose(Purpose::train), p}, 0, x.size(),
                x.data());
  return x;
}

struct Moments {
  double mean, variance, standard_error;
};

Moments moments_of(uint32_t draws, const std::function<double(uint32_t)>& draw) {
  double sum = 0, squares = 0;
  for (uint32_t t = 0; t < draws; ++t) {
    const double value = draw(t);
    sum += value;
    squares += value * value;
  }
  const double mean = sum / draws, variance = squares / draws - mean * mean;
  return {mean, variance, std::sqrt(variance / draws)};
}

TEST(DropoutMoments, OfAWeightedSumOfFixedInputs) {
  constexpr size_t width = 24;
  std::vector<float> x(width);
  double whole = 0, squares = 0;
  for (size_t j = 0; j < width; ++j) {
    x[j] = static_cast<float>(normal(0, value_site, j));  // w_j x_j
    whole += x[j];
    squares += double{x[j]} * x[j];
  }
  for (const double p : {.1, .3, .5}) {
    const Moments m = moments_of(200000, [&](uint32_t t) {
      double sum = 0;
      for (const float h : dropped(x, p, t)) sum += h;
      return sum;
    });
    EXPECT_NEAR(m.mean, whole, 4 * m.standard_error);
    EXPECT_NEAR(m.variance / (p / (1 - p) * squares), 1, .02);
  }
}

// Var h = (s^2 + p mu^2) / (1 - p): in evaluation it is s^2.
TEST(DropoutMoments, OfRandomInputs) {
  constexpr uint32_t draws = 400000;
  for (const double p : {.1, .3, .5})
    for (const double mean : {0., 1., 3.}) {
      std::vector<float> x(draws);
      for (uint32_t t = 0; t < draws; ++t)
        x[t] = static_cast<float>(mean + .5 * normal(1, value_site, t));
      const std::vector<float> h = dropped(x, p, 0);
      const Moments m = moments_of(draws, [&](uint32_t t) { return h[t]; });
      EXPECT_NEAR(m.mean, mean, 4 * m.standard_error);
      EXPECT_NEAR(m.variance / ((.25 + p * mean * mean) / (1 - p)), 1, .02);
    }
}

// E relu(z + s N(0, 1)) - relu(z), which is never negative.
double relu_shift(double z, double s) {
  const double density = std::exp(-z * z / (2 * s * s)) / std::sqrt(2 * std::numbers::pi);
  const double below = .5 * std::erfc(-z / s / std::numbers::sqrt2);
  return z * below + s * density - std::max(z, 0.);
}

// relu(z~) - z~ [z > 0] has the mean of relu(z~) - relu(z), and less variance.
double relu_shift_of(double noisy, double z) { return std::max(noisy, 0.) - (z > 0 ? noisy : 0); }

// A sum of many dropped terms about z with deviation 1, nearly normal.
struct ManyTerms {
  double z, p;
  std::vector<float> x;

  ManyTerms(double value, double rate) : z(value), p(rate), x(256) {
    const double size = std::sqrt((1 - p) / p / static_cast<double>(x.size()));
    for (size_t j = 0; j < x.size(); ++j)
      x[j] = static_cast<float>((j % 2 ? size : -size) + z / static_cast<double>(x.size()));
  }
  double draw(uint32_t t) const {
    double sum = 0;
    for (const float h : dropped(x, p, t)) sum += h;
    return sum;
  }
};

TEST(DropoutMoments, AReluShiftsTheMeanUp) {
  for (const double z : {-1., -.5, 0., .5, 1.}) {
    const double expected = relu_shift(z, 1);
    EXPECT_GT(expected, 0);
    const Moments gaussian = moments_of(
        400000, [&](uint32_t t) { return relu_shift_of(z + normal(2, noise_site, t), z); });
    EXPECT_NEAR(gaussian.mean / expected, 1, .03);
    const ManyTerms sum(z, .5);
    const Moments masks =
        moments_of(150000, [&](uint32_t t) { return relu_shift_of(sum.draw(t), z); });
    EXPECT_NEAR(masks.mean / expected, 1, .03);
  }
}

// tanh bends down above 0 and up below: evaluation is larger in magnitude than training.
TEST(DropoutMoments, TanhShiftsTheMeanTowardsZero) {
  for (const double z : {-1., -.5, .5, 1.}) {
    const ManyTerms sum(z, .3);
    const Moments m = moments_of(20000, [&](uint32_t t) { return std::tanh(sum.draw(t)); });
    EXPECT_LT((m.mean - std::tanh(z)) * z, 0);
    EXPECT_GT(std::abs(m.mean - std::tanh(z)), 8 * m.standard_error);
  }
}

// The shift of a ReLU network's output that the shifts of its hidden units add up to.
double expected_shift(ToyNet& net, const std::vector<float>& x, double p) {
  const auto& hidden = net.layers()[0];
  double shift = 0;
  for (size_t j = 0; j < hidden.out; ++j) {
    double z = 0, square = 0;
    for (size_t i = 0; i < hidden.in; ++i) {
      const double term = double{hidden.weight[j * hidden.in + i]} * x[i];
      z += term;
      square += term * term;
    }
    shift += net.layers()[1].weight[j] * relu_shift(z, std::sqrt(p / (1 - p) * square));
  }
  return shift;
}

TEST(DropoutMoments, ANetworksBiasHasTheSignOfItsShifts) {
  constexpr double p = .3;
  int checked = 0;
  for (uint32_t seed = 1; seed <= 12; ++seed) {
    ToyNet net({32, 24, 1}, {p, 0}, seed);
    std::vector<float> x;
    for (size_t i = 0; i < 32; ++i) x.push_back(static_cast<float>(normal(seed, value_site, i)));
    const double deterministic = net.forward(x)[0], shift = expected_shift(net, x, p);
    const Moments m = moments_of(20000, [&](uint32_t t) {
      return net.forward(x, ToyNoise{random_key(17, t), random_purpose(Purpose::train)})[0];
    });
    if (std::abs(shift) < 8 * m.standard_error) continue;
    ++checked;
    EXPECT_GT((m.mean - deterministic) * shift, 0) << "seed " << seed;
  }
  EXPECT_GE(checked, 3);
}

}  // namespace
}  // namespace molrt
