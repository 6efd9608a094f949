// What sources 001 and 004 say of losses (regularisers.md 12: S1-1 to S1-3; R10), by molrt's own.
#include <gtest/gtest.h>

#include <cmath>

#include "support/cylinder.h"
#include "train/loss.h"

namespace molrt {
namespace {

using Floats = std::vector<float>;

Floats logits(const std::vector<double>& probabilities) {
  Floats z;
  for (const double p : probabilities) z.push_back(static_cast<float>(std::log(p)));
  return z;
}

// -log of the probability of a class.
double cross_entropy_of(const Floats& z, size_t label, float* d = nullptr) {
  const Loss loss{.kind = LossKind::ce, .softmax = true, .class_weights = {}};
  const auto y = static_cast<float>(label);
  return evaluate_loss(loss, {1, z.size(), 1, z.data(), &y, nullptr}, d).mean();
}

// KL(p || q) of the classes' distributions by two vectors of logits, and its gradients.
struct Divergence {
  double value = 0;
  std::vector<double> d_p, d_q;
};

Divergence kl(const Floats& zp, const Floats& zq) {
  const size_t n = zp.size();
  Divergence kl{0, std::vector<double>(n), std::vector<double>(n)};
  for (size_t c = 0; c < n; ++c) {
    Floats own(n), other(n);
    const double surprise = cross_entropy_of(zp, c, own.data()), p = std::exp(-surprise);
    const double term = cross_entropy_of(zq, c, other.data()) - surprise;
    kl.value += p * term;
    for (size_t k = 0; k < n; ++k) {
      kl.d_p[k] += p * (1 - term) * own[k];
      kl.d_q[k] += p * other[k];
    }
  }
  return kl;
}

TEST(Sources, CrossEntropyIsBlindToTheOtherClasses) {  // S1-2
  const Floats a = logits({.5, .2, .3}), b = logits({.5, .3, .2});
  EXPECT_NEAR(cross_entropy_of(a, 0), std::log(2.), 1e-6);
  EXPECT_NEAR(cross_entropy_of(b, 0), std::log(2.), 1e-6);
  const double symmetric = kl(a, b).value + kl(b, a).value;
  EXPECT_NEAR(symmetric, 2 * .1 * std::log(1.5), 1e-6);
  EXPECT_NEAR(symmetric, .0811, 5e-5);
}

TEST(Sources, DivergenceFromACertainLabelIsCrossEntropy) {  // S1-1
  const Floats z{.3f, -1.2f, 2.f};
  for (size_t label = 0; label < 3; ++label) {
    Floats certain(3, -80.f);
    certain[label] = 80;
    EXPECT_NEAR(kl(certain, z).value, cross_entropy_of(z, label), 1e-9);
  }
}

TEST(Sources, DivergencesHaveTheirGradients) {
  Floats zp{.3f, -1.2f, 2.f}, zq{1.1f, .4f, -.6f};
  const Divergence exact = kl(zp, zq);
  const auto expect_slope = [&](float& z, double slope) {
    constexpr float h = 1.f / 128;
    const float before = z;
    z = before + h;
    const double above = kl(zp, zq).value;
    z = before - h;
    EXPECT_NEAR((above - kl(zp, zq).value) / (2 * h), slope, 1e-4);
    z = before;
  };
  for (size_t k = 0; k < 3; ++k) {
    expect_slope(zp[k], exact.d_p[k]);
    expect_slope(zq[k], exact.d_q[k]);
  }
}

// Of all predictions that are the same whatever the mask, the masks' mean is nearest to what the
// masks predict; the network without dropout is another.
TEST(Sources, TheBestSinglePredictionIsTheMeanOverMasks) {  // S1-3
  ToyNet net({4, 24, 24, 1}, {0, .5, .5}, 5);
  for (float& w : net.layers()[2].weight) w = std::abs(w);  // convex: the mean is larger
  const Floats x{.5f, -1, 1.5f, 2};
  Floats outputs;
  double mean = 0;
  for (uint32_t t = 0; t < 1000; ++t) {
    outputs.push_back(net.forward(x, ToyNoise{random_key(5, t), 0})[0]);
    mean += outputs.back() / 1000.;
  }
  const auto loss = [&](double constant) {
    const Floats f(outputs.size(), static_cast<float>(constant));
    return evaluate_loss({.class_weights = {}}, {f.size(), 1, 1, f.data(), outputs.data(), nullptr},
                         nullptr)
        .mean();
  };
  for (const double step : {-.5, -.1, -.02, .02, .1, .5})
    EXPECT_NEAR(loss(mean + step) - loss(mean), step * step, 1e-5);
  const double deterministic = net.forward(x)[0];
  EXPECT_GT(mean - deterministic, .2);
  EXPECT_NEAR(loss(deterministic) - loss(mean), std::pow(deterministic - mean, 2), 1e-5);
}

// Source 004's R-Drop: the root mean squared errors of two passes, and alpha times the symmetric
// divergence of these two *numbers*.
Objective source_004(double alpha, double& largest) {
  return [alpha, &largest](const Cylinders& batch, const Outputs& f, Outputs& d) {
    double rmse[2];
    for (size_t pass = 0; pass < 2; ++pass) {
      const size_t rows = batch.volumes.size();
      const LossBatch rows_of{rows, 1, 1, f[pass].data(), batch.volumes.data(), nullptr};
      rmse[pass] = std::sqrt(evaluate_loss({.class_weights = {}}, rows_of, d[pass].data()).mean());
    }
    const Floats a{static_cast<float>(rmse[0])}, b{static_cast<float>(rmse[1])};
    const Divergence there = kl(a, b), back = kl(b, a);
    largest = std::max(largest, std::abs(there.value + back.value));
    const double slopes[2] = {there.d_p[0] + back.d_q[0], there.d_q[0] + back.d_p[0]};
    for (size_t pass = 0; pass < 2; ++pass)
      for (float& gradient : d[pass])
        gradient *= static_cast<float>((.5 + alpha * slopes[pass]) / (2 * rmse[pass]));
  };
}

TEST(Sources, ADivergenceOfTwoNumbersIsNothing) {  // R10
  for (const float a : {-3.f, 0.f, .7f, 40.f})
    for (const float b : {-2.f, .7f, 5.f}) {
      const Divergence d = kl({a}, {b});
      EXPECT_EQ(d.value, 0);
      EXPECT_EQ(d.d_p[0], 0);
      EXPECT_EQ(d.d_q[0], 0);
    }
}

TEST(Sources, RDropOfLossesIsTheMeanOfTwoPasses) {  // R10
  double largest = 0;
  const std::vector<double> rates{0, .5, 0};
  ToyNet mean = train_on_cylinders({rates, source_004(0, largest), 2}, 1, 100);
  ToyNet dropped = train_on_cylinders({rates, source_004(1000, largest), 2}, 1, 100);
  EXPECT_EQ(largest, 0);
  for (size_t k = 0; k < mean.layers().size(); ++k) {
    EXPECT_EQ(mean.layers()[k].weight, dropped.layers()[k].weight);
    EXPECT_EQ(mean.layers()[k].bias, dropped.layers()[k].bias);
  }
}

}  // namespace
}  // namespace molrt
