#include "nn/head.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>

#include "base/philox.h"

namespace molrt {
namespace {

std::vector<float> random_values(size_t count, uint32_t stream, double scale = 1) {
  std::vector<float> values(count);
  for (size_t i = 0; i < count; ++i)
    values[i] = static_cast<float>(scale * random_normal(random_key(99, 0), stream, 0, 0, i));
  return values;
}

Head random_head(HeadKind kind, int width, int outputs, int hidden = 0) {
  Head head = make_head(kind, width, outputs, hidden);
  uint32_t stream = 10;
  for (auto tensor : parameters(head)) {
    const auto values = random_values(tensor.size(), stream++, 1 / std::sqrt(width));
    std::copy(values.begin(), values.end(), tensor.begin());
  }
  return head;
}

// The naive head in double precision, with masks read off the specification one by one.
double keep_factor(const HeadDropout& dropout, Site site, size_t row, size_t column) {
  if (dropout.p == 0) return 1;
  const uint32_t bits = random_u32(random_key(dropout.seed, dropout.step), dropout.molecules[row],
                                   site, random_purpose(Purpose::train), column);
  return bits < bernoulli_threshold(dropout.p) ? 0 : 1 / (1 - dropout.p);
}

using Doubles = std::vector<double>;

Doubles naive_dense(const Doubles& x, const Doubles& w, const Doubles& b, size_t rows) {
  const size_t out = b.size(), in = w.size() / out;
  Doubles y(rows * out);
  for (size_t r = 0; r < rows; ++r)
    for (size_t o = 0; o < out; ++o)
      y[r * out + o] = std::inner_product(w.begin() + o * in, w.begin() + (o + 1) * in,
                                          x.begin() + r * in, b[o]);
  return y;
}

struct NaiveHead {
  HeadKind kind;
  std::array<Doubles, 4> parameters;
  Doubles cls;
  HeadDropout dropout;

  NaiveHead(Head& head, const std::vector<float>& x, const HeadDropout& noise)
      : kind(head.kind), cls(x.begin(), x.end()), dropout(noise) {
    const auto tensors = molrt::parameters(head);
    for (size_t k = 0; k < 4; ++k) parameters[k].assign(tensors[k].begin(), tensors[k].end());
  }
  void drop(Doubles& values, Site site) const {
    const size_t rows = dropout.molecules.size(), width = values.size() / rows;
    for (size_t i = 0; i < values.size(); ++i)
      values[i] *= keep_factor(dropout, site, i / width, i % width);
  }
  Doubles forward() const {
    const size_t rows = dropout.molecules.size();
    Doubles x = cls;
    drop(x, site_head_in);
    if (kind == HeadKind::pooled) {
      x = naive_dense(x, parameters[0], parameters[1], rows);
      for (double& value : x) value = std::tanh(value);
      drop(x, site_head_mid);
    }
    return naive_dense(x, parameters[2], parameters[3], rows);
  }
  // A loss with the gradient d_outputs.
  double loss(const std::vector<float>& d_outputs) const {
    const Doubles outputs = forward();
    return std::inner_product(outputs.begin(), outputs.end(), d_outputs.begin(), 0.);
  }
};

// Central differences of the naive head for each element of `values`, a part of it.
void expect_gradient(const NaiveHead& head, Doubles& values, std::span<const float> gradient,
                     const std::vector<float>& d_outputs) {
  constexpr double h = 1e-5;
  ASSERT_EQ(values.size(), gradient.size());
  for (size_t i = 0; i < values.size(); ++i) {
    const double kept = values[i];
    values[i] = kept + h;
    const double above = head.loss(d_outputs);
    values[i] = kept - h;
    const double below = head.loss(d_outputs);
    values[i] = kept;
    ASSERT_NEAR(gradient[i], (above - below) / (2 * h), 1e-5) << "element " << i;
  }
}

struct Shape {
  HeadKind kind;
  int width, outputs;
  double p;
  int hidden = 0;
};

class HeadGradients : public testing::TestWithParam<Shape> {};

// P2: frozen masks, both sites, every parameter and the input.
TEST_P(HeadGradients, MatchFiniteDifferences) {
  const auto [kind, width, outputs, p, hidden] = GetParam();
  Head head = random_head(kind, width, outputs, hidden);
  const std::vector<uint32_t> molecules{7, 3, 1000000, 8, 0};
  const size_t rows = molecules.size();
  const auto cls = random_values(rows * static_cast<size_t>(width), 1);
  const auto d_outputs = random_values(rows * static_cast<size_t>(outputs), 2);
  const HeadDropout dropout{p, 5, 17, molecules};
  HeadActivations activations;
  std::vector<float> out(d_outputs.size()), d_cls(cls.size());
  head_forward_training(head, cls.data(), dropout, activations, out.data());
  Head gradient = make_head(kind, width, outputs, hidden);
  head_backward(head, dropout, activations, d_outputs.data(), gradient, d_cls.data());

  NaiveHead naive(head, cls, dropout);
  const Doubles expected = naive.forward();
  for (size_t i = 0; i < out.size(); ++i) ASSERT_NEAR(out[i], expected[i], 1e-5);
  const auto gradients = parameters(gradient);
  for (size_t k = 0; k < 4; ++k)
    expect_gradient(naive, naive.parameters[k], gradients[k], d_outputs);
  expect_gradient(naive, naive.cls, d_cls, d_outputs);
}

INSTANTIATE_TEST_SUITE_P(Shapes, HeadGradients,
                         testing::Values(Shape{HeadKind::linear, 16, 1, 0},
                                         Shape{HeadKind::linear, 13, 3, .3},
                                         Shape{HeadKind::pooled, 16, 2, 0},
                                         Shape{HeadKind::pooled, 13, 3, .3},
                                         Shape{HeadKind::pooled, 19, 2, .3, 8}));

TEST(Head, RowsDoNotDependOnTheirBatch) {
  const Head head = random_head(HeadKind::pooled, 37, 3);
  const size_t rows = 11;
  const auto cls = random_values(rows * 37, 1);
  std::vector<float> together(rows * 3), alone(3);
  head_forward(head, cls.data(), rows, together.data());
  for (size_t r = 0; r < rows; ++r) {
    head_forward(head, cls.data() + r * 37, 1, alone.data());
    EXPECT_EQ(std::memcmp(alone.data(), together.data() + r * 3, sizeof(float) * 3), 0);
  }
}

TEST(Head, MasksDependOnTheMoleculeNotOnItsPlace) {
  const Head head = random_head(HeadKind::pooled, 37, 3);
  const auto cls = random_values(2 * 37, 1);
  std::vector<float> swapped(cls.begin() + 37, cls.end());
  swapped.insert(swapped.end(), cls.begin(), cls.begin() + 37);
  const std::vector<uint32_t> order{4, 9}, reverse{9, 4};
  HeadActivations activations;
  std::vector<float> a(6), b(6);
  head_forward_training(head, cls.data(), {.4, 1, 2, order}, activations, a.data());
  head_forward_training(head, swapped.data(), {.4, 1, 2, reverse}, activations, b.data());
  EXPECT_EQ(std::memcmp(a.data(), b.data() + 3, sizeof(float) * 3), 0);
  EXPECT_EQ(std::memcmp(a.data() + 3, b.data(), sizeof(float) * 3), 0);
  head_forward_training(head, cls.data(), {.4, 1, 3, order}, activations, b.data());
  EXPECT_NE(a, b);  // another step, other masks
}

// P0.
TEST(Head, WithoutDropoutTrainingEqualsEvaluationBitForBit) {
  for (const HeadKind kind : {HeadKind::linear, HeadKind::pooled}) {
    const Head head = random_head(kind, 21, 2);
    const std::vector<uint32_t> molecules{0, 1, 2, 3, 4};
    const auto cls = random_values(5 * 21, 1);
    std::vector<float> training(10), evaluation(10);
    HeadActivations activations;
    head_forward_training(head, cls.data(), {0, 1, 0, molecules}, activations, training.data());
    head_forward(head, cls.data(), 5, evaluation.data());
    EXPECT_EQ(std::memcmp(training.data(), evaluation.data(), sizeof(float) * 10), 0);
  }
}

TEST(Head, DropoutOfOneGivesZerosEvenFromInfinity) {
  Head head = random_head(HeadKind::linear, 8, 2);
  const std::vector<float> cls(8, std::numeric_limits<float>::infinity());
  const std::vector<uint32_t> molecules{0};
  HeadActivations activations;
  std::vector<float> out(2);
  head_forward_training(head, cls.data(), {1, 1, 0, molecules}, activations, out.data());
  EXPECT_EQ(out, head.out_bias);
}

// The statistics of one molecule's outputs over many steps.
struct Moments {
  double mean, variance, standard_error;
};

Moments over_steps(const Head& head, const std::vector<float>& cls, double p, uint32_t steps) {
  const std::vector<uint32_t> molecules{12};
  HeadActivations activations;
  double sum = 0, squares = 0;
  for (uint32_t step = 0; step < steps; ++step) {
    float out;
    head_forward_training(head, cls.data(), {p, 3, step, molecules}, activations, &out);
    sum += out;
    squares += double{out} * out;
  }
  const double mean = sum / steps, variance = squares / steps - mean * mean;
  return {mean, variance, std::sqrt(variance / steps)};
}

// P1 and P3: a linear head's mean over masks is its deterministic output; the variance is 1.2's.
TEST(Head, DropoutOfALinearHeadIsUnbiased) {
  const double p = .3;
  const Head head = random_head(HeadKind::linear, 24, 1);
  const auto cls = random_values(24, 1);
  float deterministic;
  head_forward(head, cls.data(), 1, &deterministic);
  const Moments moments = over_steps(head, cls, p, 100000);
  EXPECT_NEAR(moments.mean, deterministic, 4 * moments.standard_error);
  double variance = 0;
  for (size_t i = 0; i < 24; ++i)
    variance += std::pow(double{head.out_weight[i]} * cls[i], 2) * p / (1 - p);
  EXPECT_NEAR(moments.variance, variance, .02 * variance);
}

// P1: the rate at which each site keeps an element, over steps and columns (4 sigma pooled).
TEST(Head, SitesDropAtTheirRate) {
  const double p = .2;
  Head head = make_head(HeadKind::pooled, 64, 1);
  for (size_t i = 0; i < 64; ++i) head.dense_weight[i * 65] = 1;  // identity
  const std::vector<float> cls(64, 1.f);
  const std::vector<uint32_t> molecules{2};
  HeadActivations activations;
  double input = 0, middle = 0, middle_of_kept = 0;
  for (uint32_t step = 0; step < 2000; ++step) {
    float out;
    head_forward_training(head, cls.data(), {p, 3, step, molecules}, activations, &out);
    for (size_t i = 0; i < 64; ++i) {
      input += activations.input[i] != 0;
      middle_of_kept += activations.pooled[i] != 0;
      middle += activations.middle[i] != 0;
    }
  }
  const double n = 2000 * 64, sigma = std::sqrt(p * (1 - p));
  EXPECT_NEAR(input / n, 1 - p, 4 * sigma / std::sqrt(n));
  EXPECT_NEAR(middle / middle_of_kept, 1 - p, 4 * sigma / std::sqrt(middle_of_kept));
}

// P4: behind tanh the mean shifts, with the sign of sum w_j tanh''(z_j) s_j^2 / 2.
TEST(Head, DropoutOfAPooledHeadShiftsTheMeanByCurvature) {
  const double p = .2;
  const size_t width = 32;
  const auto cls = random_values(width, 1);
  int checked = 0;
  for (uint32_t stream = 30; stream < 42; ++stream) {
    Head head = make_head(HeadKind::pooled, static_cast<int>(width), 1);
    head.dense_weight = random_values(width * width, stream, .5 / std::sqrt(width));
    head.out_weight = random_values(width, stream + 100, 1 / std::sqrt(width));
    double estimate = 0;
    for (size_t j = 0; j < width; ++j) {
      double z = 0, s2 = 0;
      for (size_t i = 0; i < width; ++i) {
        const double term = double{head.dense_weight[j * width + i]} * cls[i];
        z += term;
        s2 += term * term * p / (1 - p);
      }
      const double t = std::tanh(z);
      estimate += head.out_weight[j] * -2 * t * (1 - t * t) * s2 / 2;
    }
    float deterministic;
    head_forward(head, cls.data(), 1, &deterministic);
    const Moments moments = over_steps(head, cls, p, 60000);
    if (std::abs(estimate) < 8 * moments.standard_error) continue;
    ++checked;
    EXPECT_GT((moments.mean - deterministic) * estimate, 0) << "stream " << stream;
  }
  EXPECT_GE(checked, 3);
}

TEST(Head, InitialWeightsAreSeededAndDifferByFold) {
  const Head a = initialised_head(HeadKind::pooled, 64, 3, 1, 0);
  double squares = 0;
  for (const float w : a.dense_weight) squares += double{w} * w;
  EXPECT_NEAR(std::sqrt(squares / 4096), .02, .001);
  EXPECT_EQ(a.dense_bias, std::vector<float>(64));
  EXPECT_EQ(a.out_weight, initialised_head(HeadKind::pooled, 64, 3, 1, 0).out_weight);
  EXPECT_NE(a.out_weight, initialised_head(HeadKind::pooled, 64, 3, 1, 1).out_weight);
  EXPECT_NE(a.out_weight, initialised_head(HeadKind::pooled, 64, 3, 2, 0).out_weight);
}

}  // namespace
}  // namespace molrt
