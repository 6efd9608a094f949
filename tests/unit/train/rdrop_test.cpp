// R-Drop's checks (regularisers.md 6: R1 to R11) on the pair loss and on one step of a head.
#include "train/rdrop.h"

#include <gtest/gtest.h>

#include <cmath>
#include <optional>

#include "base/error.h"
#include "train/evaluation.h"
#include "train/head_step.h"
#include "train/task_plan.h"

namespace molrt {
namespace {

struct Evaluated {
  double value;
  std::vector<float> first, second;
};

Evaluated evaluate(const PairLoss& loss, const std::vector<float>& a, const std::vector<float>& b,
                   size_t outputs, double scale = 1) {
  Evaluated e{0, std::vector<float>(a.size()), std::vector<float>(b.size())};
  e.value =
      loss({a.size() / outputs, outputs, {a.data(), b.data()}, {e.first.data(), e.second.data()}},
           scale);
  return e;
}

class Distances : public testing::TestWithParam<Distance> {};

TEST_P(Distances, HaveTheirGradients) {  // R6
  const std::vector<float> a = {.3f, -1.2f, 2.f, .5f, .1f, -.7f},
                           b = {-.4f, .2f, 1.9f, 1.5f, .6f, .6f};
  const PairLoss loss = pair_loss(GetParam(), 4, .5);
  const Evaluated exact = evaluate(loss, a, b, 3);
  for (size_t i = 0; i < a.size(); ++i)
    for (const bool second : {false, true}) {
      auto high_a = a, low_a = a, high_b = b, low_b = b;
      constexpr float h = 1e-3f;
      float &high = second ? high_b[i] : high_a[i], &low = second ? low_b[i] : low_a[i];
      high += h;
      low -= h;
      const double difference =
          (evaluate(loss, high_a, high_b, 3).value - evaluate(loss, low_a, low_b, 3).value) /
          (double{high} - double{low});
      EXPECT_NEAR(difference, (second ? exact.second : exact.first)[i], 2e-4);
    }
}

TEST_P(Distances, AreSymmetricAndZeroForEqualOutputs) {  // R3, R4
  const std::vector<float> a = {.3f, -1.2f, 2.f}, b = {-.4f, .2f, 1.9f};
  const PairLoss loss = pair_loss(GetParam(), 4);
  EXPECT_NEAR(evaluate(loss, a, b, 3).value, evaluate(loss, b, a, 3).value, 1e-12);
  EXPECT_GT(evaluate(loss, a, b, 3).value, 0);
  const Evaluated same = evaluate(loss, a, a, 3);
  EXPECT_EQ(same.value, 0);
  EXPECT_EQ(same.first, std::vector<float>(3, 0.f));
}

INSTANTIATE_TEST_SUITE_P(All, Distances,
                         testing::Values(Distance::mse, Distance::mae, Distance::huber,
                                         Distance::kl, Distance::bern, Distance::logit_mse));

double naive_symmetric_kl(const std::vector<float>& a, const std::vector<float>& b) {
  const auto softmax = [](const std::vector<float>& z) {
    std::vector<double> p;
    double sum = 0;
    for (const float x : z) sum += std::exp(double{x});
    for (const float x : z) p.push_back(std::exp(double{x}) / sum);
    return p;
  };
  const auto p = softmax(a), q = softmax(b);
  double sum = 0;
  for (size_t c = 0; c < p.size(); ++c)
    sum += p[c] * std::log(p[c] / q[c]) + q[c] * std::log(q[c] / p[c]);
  return sum;
}

TEST(PairLossOfClasses, IsTheNaiveDivergenceAndFiniteFarOut) {  // R2 (/4), R4
  const std::vector<float> a = {.3f, -1.2f, 2.f}, b = {-.4f, .2f, 1.9f};
  EXPECT_NEAR(evaluate(pair_loss(Distance::kl, 4), a, b, 3).value, naive_symmetric_kl(a, b), 1e-12);
  const Evaluated far = evaluate(pair_loss(Distance::kl, 4), {80, -80, 0}, {-80, 80, 0}, 3);
  EXPECT_TRUE(std::isfinite(far.value));
  EXPECT_NEAR(far.value, 320, 1e-6);
  for (const float d : far.first) EXPECT_TRUE(std::isfinite(d));
  EXPECT_EQ(evaluate(pair_loss(Distance::kl, 4), {1, 2, 3}, {2, 3, 4}, 3).value,
            0);  // distributions
}

TEST(PairLossOfClasses, OfTwoIsThatOfTheirLogit) {  // R5
  const double two = evaluate(pair_loss(Distance::kl, 4), {.2f, 1.5f}, {.9f, .1f}, 2).value;
  const double one = evaluate(pair_loss(Distance::bern, 4), {1.3f}, {-.8f}, 1).value;
  EXPECT_NEAR(two, one, 1e-6);
}

TEST(PairLossOfValues, IsHalfAlphaTimesTheSquare) {  // canonical: L = ... + alpha/2 (f1 - f2)^2
  const Evaluated e = evaluate(pair_loss(Distance::mse, 3), {2.f}, {.5f}, 1);
  EXPECT_NEAR(e.value, 1.5 * 2.25, 1e-12);
  EXPECT_NEAR(e.first[0], 3 * 1.5, 1e-6);
  EXPECT_NEAR(e.second[0], -3 * 1.5, 1e-6);
}

TEST(PairLossOfValues, DoesNotDependOnTheBatch) {  // R9, as a mean over rows
  const PairLoss loss = pair_loss(Distance::mse, 1);
  EXPECT_NEAR(evaluate(loss, {1, 2}, {3, 5}, 1, 1. / 2).value,
              evaluate(loss, {1, 2, 1, 2}, {3, 5, 3, 5}, 1, 1. / 4).value, 1e-12);
}

Settings rdrop(double alpha, double dropout = .4) {
  Settings s;
  s.set_text("head", "linear");
  s.set_f64("pooler_dropout", dropout);
  s.set_i64("rdrop.on", 1);
  s.set_f64("rdrop.alpha", alpha);
  return s;
}

// One molecule and a linear head w . x, its inputs shared by both passes.
struct OneStep {
  static constexpr int width = 6;
  std::vector<double> values = {.7, -.7};
  HeadTrainingData data;
  HeadSettings settings;
  std::vector<float> inputs;
  std::vector<RowConformer> items{{0, 0}};
  std::optional<Fold> fold;
  Head head;

  explicit OneStep(const Settings& s) : settings(read_head_settings(s)) {
    for (size_t i = 0; i < width; ++i) inputs.push_back(.5f * static_cast<float>(i) - 1);
    data.rows = 2;
    data.width = width;
    data.targets = 1;
    data.values = values;
    data.target_names = {"y"};
    const std::vector<size_t> all{0, 1};
    fold.emplace(make_fold(data, settings, plan_task(data, settings.task, all), {}, {all, {}, {}}));
    head = initialised_head(settings.kind, width, 1, 9, 0);
    for (float& w : head.out_weight) w = 30 * w + .1f;
  }
  struct Result {
    double loss;
    Head gradient;
    std::vector<std::vector<float>> d_inputs;
  };
  Result run(uint32_t step, size_t network_passes) {
    Result r{0, make_head(head.kind, width, 1), {}};
    r.d_inputs.resize(network_passes, std::vector<float>(width));
    std::vector<NetworkPass> passes;
    for (auto& d : r.d_inputs) passes.push_back({inputs, d});
    const std::vector<size_t> rows{0};
    r.loss =
        HeadStep(*fold).run(head, items, passes, step, whole_batch(*fold, rows), r.gradient).mean();
    return r;
  }
  float output(uint32_t step, uint32_t pass, double p = .4) {
    const std::vector<uint32_t> ids{0};
    HeadActivations activations;
    float out = 0;
    head_forward_training(head, inputs.data(),
                          {p, fold->seed, step, ids, random_purpose(Purpose::train, pass, 0)},
                          activations, &out);
    return out;
  }
};

TEST(RDropStep, IsTheMeanOfTwoLossesAndTheirDistance) {  // R1, R2, and the counter's passes
  for (const double alpha : {0., 2.5}) {
    OneStep step(rdrop(alpha));
    for (uint32_t t = 0; t < 5; ++t) {
      const double f1 = step.output(t, 0), f2 = step.output(t, 1),
                   y = scaled_target(*step.fold, 0, 0);
      const double expected =
          .5 * ((f1 - y) * (f1 - y) + (f2 - y) * (f2 - y)) + alpha / 2 * (f1 - f2) * (f1 - f2);
      const auto result = step.run(t, 1);
      EXPECT_NEAR(result.loss, expected, 1e-6 * (1 + expected));
      EXPECT_NEAR(result.gradient.out_bias[0],
                  (f1 - y) + alpha * (f1 - f2) + (f2 - y) - alpha * (f1 - f2), 1e-5);
    }
  }
}

TEST(RDropStep, SharedInputsAreTheSumOfTwo) {  // R7: one run of the encoder, or two
  OneStep step(rdrop(2));
  const auto one = step.run(3, 1), two = step.run(3, 2);
  EXPECT_EQ(one.loss, two.loss);
  EXPECT_EQ(one.gradient.out_weight, two.gradient.out_weight);
  for (int c = 0; c < OneStep::width; ++c)
    EXPECT_NEAR(one.d_inputs[0][c], two.d_inputs[0][c] + two.d_inputs[1][c], 1e-5);
}

TEST(RDropStep, WeighsTheNoiseByOnePlusAlpha) {  // R8: E L = (y - E f)^2 + (1 + alpha) Var f
  OneStep step(rdrop(1.5));
  double mean = 0, squares = 0, loss = 0, loss_squares = 0;
  constexpr uint32_t steps = 20000;
  for (uint32_t t = 0; t < steps; ++t) {
    const double f = step.output(t, 0), l = step.run(t, 1).loss;
    mean += f / steps;
    squares += f * f / steps;
    loss += l / steps;
    loss_squares += l * l / steps;
  }
  const double gap = mean - scaled_target(*step.fold, 0, 0);
  const double sigma = std::sqrt((loss_squares - loss * loss) / steps);
  EXPECT_NEAR(loss, gap * gap + 2.5 * (squares - mean * mean), 5 * sigma);
}

TEST(RDropSettings, RefuseEqualPasses) {
  Settings s = rdrop(1, 0);
  EXPECT_THROW(s.validate(), Error);
  s.set_f64("pooler_dropout", .1);
  EXPECT_NO_THROW(s.validate());
}

TEST(RDropSettings, NormaliseAlpha) {
  Settings s = rdrop(.7);
  EXPECT_EQ(canonical_alpha(s), .7);
  s.set_text("rdrop.norm", "readme");
  EXPECT_EQ(canonical_alpha(s), 1.4);
  Settings classes;
  classes.set_text("task", "multiclass");
  EXPECT_EQ(canonical_alpha(classes), 4);
}

TEST(RDropSettings, RefuseADistanceOfAnotherTask) {
  Settings s = rdrop(1);
  s.set_text("rdrop.dist", "kl");
  EXPECT_THROW(s.validate(), Error);
  s.set_text("task", "multilabel");
  EXPECT_THROW(s.validate(), Error);  // source 001's crash
  s.set_text("rdrop.dist", "bern");
  EXPECT_NO_THROW(s.validate());
}

}  // namespace
}  // namespace molrt
