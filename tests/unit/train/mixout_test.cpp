// Mixout's checks (regularisers.md 4: X1 to X7, X9) on weights by themselves and on an encoder.
#include "train/mixout.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"
#include "chem/conformer.h"
#include "kernels/dropout.h"
#include "model/initialise.h"
#include "model/trainable_encoder.h"
#include "support/oracle.h"

namespace molrt {
namespace {

Settings mixout(double p, const char* mask = "column", bool author = false) {
  Settings s;
  s.set_text("freeze.prefix", "none");
  s.set_f64("mixout.p", p);
  s.set_text("mixout.mask", mask);
  s.set_i64("mixout.author_grad", author);
  return s;
}

constexpr size_t outputs = 5, inputs = 7;
const std::string name = "encoder.layers.0.fc1.weight";

struct Weights {
  std::vector<float> w, u, gradient;
  std::shared_ptr<Methods> methods;

  explicit Weights(const Settings& s)
      : w(outputs * inputs), u(w.size()), gradient(w.size()), methods(make_methods(s)) {
    for (size_t i = 0; i < w.size(); ++i) {
      w[i] = static_cast<float>(random_normal({3, 0}, 0, 0, 0, i));
      u[i] = static_cast<float>(random_normal({3, 1}, 0, 0, 0, i));
    }
    start();
  }
  void start() {
    const TrainedTensor tensor{name, w, gradient, 1, 0, 0, u};
    for (const auto& method : *methods) method->on_start(std::span(&tensor, 1));
  }
  std::vector<float> noisy(uint32_t step, uint32_t pass = 0) const {
    std::vector<float> values = w;
    MethodWeights(*methods, {random_key(7, step), pass}).forward({name, inputs, 0, values});
    return values;
  }
  std::vector<float> back(uint32_t step) const {
    std::vector<float> ones(w.size(), 1.f);
    MethodWeights(*methods, {random_key(7, step), 0}).backward({name, inputs, 0, ones});
    return ones;
  }
};

class Masks : public testing::TestWithParam<const char*> {};

TEST_P(Masks, KeepTheMeanAndHaveTheirVariance) {  // X2
  constexpr uint32_t steps = 20000;
  const double p = .7;
  const Weights weights(mixout(p, GetParam()));
  std::vector<double> mean(weights.w.size()), squares(mean.size());
  for (uint32_t t = 0; t < steps; ++t) {
    const auto noisy = weights.noisy(t);
    for (size_t i = 0; i < noisy.size(); ++i) {
      mean[i] += double{noisy[i]} / steps;
      squares[i] += double{noisy[i]} * noisy[i] / steps;
    }
  }
  for (size_t i = 0; i < mean.size(); ++i) {
    const double gap = weights.w[i] - weights.u[i], variance = p / (1 - p) * gap * gap;
    EXPECT_NEAR(mean[i], weights.w[i], 6 * std::sqrt(variance / steps));
    EXPECT_NEAR(squares[i] - mean[i] * mean[i], variance, .1 * variance);
  }
}

TEST_P(Masks, OfEverythingGiveTheTarget) {  // X7
  const Weights weights(mixout(1, GetParam()));
  EXPECT_EQ(weights.noisy(0), weights.u);
  EXPECT_EQ(weights.back(0), std::vector<float>(weights.w.size(), 0.f));
}

TEST_P(Masks, DoNothingAtTheTarget) {  // X3
  Weights weights(mixout(.9, GetParam()));
  weights.w = weights.u;
  EXPECT_EQ(weights.noisy(0), weights.u);
}

TEST_P(Masks, AreOnePerStepAndPassWhateverTheParts) {
  const Weights weights(mixout(.5, GetParam()));
  const auto whole = weights.noisy(3);
  std::vector<float> parts = weights.w;
  for (size_t row = 0; row < outputs; ++row)
    MethodWeights(*weights.methods, {random_key(7, 3), 0})
        .forward({name, inputs, row * inputs, std::span(parts).subspan(row * inputs, inputs)});
  EXPECT_EQ(whole, parts);
  EXPECT_NE(whole, weights.noisy(4));
  EXPECT_NE(whole, weights.noisy(3, 1));
}

INSTANTIATE_TEST_SUITE_P(Mixout, Masks, testing::Values("column", "element"));

TEST(Mixout, ColumnsAreReplacedWhole) {  // X6, and the counter
  const double p = .5;
  const Weights weights(mixout(p));
  const auto noisy = weights.noisy(5);
  for (size_t c = 0; c < inputs; ++c) {
    const bool replaced =
        random_u32(random_key(7, 5), tensor_number(name), 2, random_purpose(Purpose::weight_noise),
                   c) < bernoulli_threshold(p);
    for (size_t i = c; i < noisy.size(); i += inputs)
      EXPECT_FLOAT_EQ(noisy[i], replaced ? weights.u[i]
                                         : (weights.w[i] - float(p) * weights.u[i]) / float(1 - p));
  }
}

TEST(Mixout, TheAuthorsGradientLacksAFactor) {  // X4
  const auto right = Weights(mixout(.75)).back(2),
             authors = Weights(mixout(.75, "column", true)).back(2);
  for (size_t i = 0; i < right.size(); ++i) EXPECT_FLOAT_EQ(authors[i], .25f * right[i]);
}

// E |W x - t|^2 = |w x - t|^2 + p/(1-p) sum_j x_j^2 sum_i (w_ij - u_ij)^2
TEST_P(Masks, PenaliseTheDistance) {  // X5
  const double p = .6;
  const Weights weights(mixout(p, GetParam()));
  const auto x = [](size_t j) { return .3 * static_cast<double>(j) - 1; };
  const auto error = [&](const std::vector<float>& w) {
    double sum = 0;
    for (size_t i = 0; i < outputs; ++i) {
      double y = -.5;
      for (size_t j = 0; j < inputs; ++j) y += w[i * inputs + j] * x(j);
      sum += y * y;
    }
    return sum;
  };
  double expected = error(weights.w), mean = 0, squares = 0;
  for (size_t k = 0; k < weights.w.size(); ++k)
    expected += p / (1 - p) * x(k % inputs) * x(k % inputs) *
                std::pow(double{weights.w[k]} - weights.u[k], 2);
  constexpr uint32_t steps = 20000;
  for (uint32_t t = 0; t < steps; ++t) {
    const double e = error(weights.noisy(t));
    mean += e / steps;
    squares += e * e / steps;
  }
  EXPECT_NEAR(mean, expected, 5 * std::sqrt((squares - mean * mean) / steps));
}

// Of isotropic inputs and squared errors the distance from u that SGD comes to rest at is 1 - p of
// that without Mixout.
TEST(Mixout, PullsTowardsItsTarget) {  // X9
  const double p = .5;
  Weights weights(mixout(p, "element"));
  const std::vector<float> truth = weights.w;
  weights.w = weights.u;
  for (uint32_t t = 0; t < 2000; ++t) {
    const auto noisy = weights.noisy(t);
    std::vector<float> x(inputs), gradient(noisy.size());
    for (size_t j = 0; j < inputs; ++j)
      x[j] = static_cast<float>(random_normal({11, t}, 0, 0, 0, j));
    for (size_t i = 0; i < outputs; ++i) {
      float residual = 0;
      for (size_t j = 0; j < inputs; ++j)
        residual += (noisy[i * inputs + j] - truth[i * inputs + j]) * x[j];
      for (size_t j = 0; j < inputs; ++j) gradient[i * inputs + j] = 2 * residual * x[j];
    }
    MethodWeights(*weights.methods, {random_key(7, t), 0}).backward({name, inputs, 0, gradient});
    for (size_t k = 0; k < gradient.size(); ++k) weights.w[k] -= .01f * gradient[k];
  }
  double moved = 0, whole = 0;
  for (size_t k = 0; k < truth.size(); ++k) {
    moved += (double{weights.w[k]} - weights.u[k]) * (double{truth[k]} - weights.u[k]);
    whole += std::pow(double{truth[k]} - weights.u[k], 2);
  }
  EXPECT_NEAR(moved / whole, 1 - p, .05);
}

// An encoder that reads w through the noise, and one whose weights are what the noise makes of w.
TEST(MixoutEncoder, IsTheEncoderOfTheMixedWeights) {  // X4 by way of the plain gradients' tests
  for (const PairKernel kernel : {PairKernel::gaussian, PairKernel::linear})
    for (const char* mask : {"column", "element"}) {
      const Architecture a{kernel, 2, 24, 30, 3, official_architecture(kernel).vocabulary};
      const Model base = initialise_model(a, Hydrogens::all, TokenLayout::file_order, 3);
      Parameters w(test::perturbed(base.tensors(), .1), "w"), mixed(w.tensors(), "mixed");
      const Parameters u(base.tensors(), "u");
      auto methods = make_methods(mixout(.5, mask));
      std::vector<TrainedTensor> tensors;
      for (const auto& e : w.entries())
        tensors.push_back(
            {e.name, e.data.value, e.data.gradient, 1, 0, 0, u.get(e.name, e.shape).value});
      for (const auto& method : *methods) method->on_start(tensors);
      const MethodWeights weights(*methods, {random_key(7, 1), 0});
      size_t touched = 0;
      for (const auto& e : mixed.entries())
        if (weights.touches(e.name)) {
          weights.forward({e.name, static_cast<size_t>(e.shape[1]), 0, e.data.value});
          ++touched;
        }
      EXPECT_EQ(touched, 2u * 4 + 2);

      const Features molecule = make_features(make_conformer("CCO", {}).conformer,
                                              base.dictionary(), base.feature_options());
      const std::vector<const Features*> batch{&molecule};
      Team team(2);
      TrainableEncoder noisy(a, w), plain(a, mixed);
      EncoderNoise noise;
      noise.weights = &weights;
      const float* x = noisy.forward(team, batch, noise);
      const float* y = plain.forward(team, batch, {});
      std::vector<float> d(padded_rows(noisy.tokens()) * 24);
      for (size_t i = 0; i < noisy.tokens() * 24; ++i) {
        ASSERT_EQ(x[i], y[i]);
        d[i] = static_cast<float>(std::sin(1. + static_cast<double>(i)));
      }
      auto d2 = d;
      noisy.backward(team, noise, d.data());
      plain.backward(team, {}, d2.data());
      for (size_t t = 0; t < w.entries().size(); ++t) {
        const auto& e = mixed.entries()[t];
        if (weights.touches(e.name))
          weights.backward({e.name, static_cast<size_t>(e.shape[1]), 0, e.data.gradient});
        for (size_t i = 0; i < e.data.gradient.size(); ++i)
          ASSERT_EQ(w.entries()[t].data.gradient[i], e.data.gradient[i]) << e.name << " " << i;
      }
    }
}

TEST(MixoutSettings, StandInDropoutsPlaceOrBesideIt) {
  Settings s = mixout(.9);
  EXPECT_NO_THROW(s.validate());
  s.set_f64("dropout", .2);
  EXPECT_THROW(s.validate(), Error);
  s.set_i64("mixout.replaces_dropout", 0);
  EXPECT_NO_THROW(s.validate());
}

TEST(MixoutSettings, NeedSomethingToMix) {
  Settings s;
  s.set_f64("mixout.p", .9);
  EXPECT_THROW(s.validate(), Error);
  s.set_text("mixout.head", "init");
  EXPECT_NO_THROW(s.validate());
  EXPECT_TRUE(make_methods(Settings())->empty());  // X1
}

}  // namespace
}  // namespace molrt
