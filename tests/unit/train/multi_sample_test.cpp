// Multi-Sample Dropout's checks (regularisers.md 3: M1 to M6) on one step of a head.
#include "train/multi_sample.h"

#include <gtest/gtest.h>

#include <cmath>
#include <optional>

#include "base/error.h"
#include "kernels/dropout.h"
#include "train/evaluation.h"
#include "train/head_step.h"
#include "train/task_plan.h"

namespace molrt {
namespace {

constexpr size_t rows = 5;
constexpr int width = 6;

Settings of_head(const char* head, int64_t n = 1, const char* reduce = "loss", double p = .4) {
  Settings s;
  s.set_text("head", head);
  if (n == 1) s.set_f64("pooler_dropout", p);
  s.set_i64("msd.n", n);
  if (n > 1) {
    s.set_f64("msd.p", p);
    s.set_text("msd.reduce", reduce);
  }
  return s;
}

struct Result {
  LossSum loss;
  Head gradient;
  std::vector<float> d_inputs;
};

struct Step {
  std::vector<double> values;
  HeadTrainingData data;
  HeadSettings settings;
  std::vector<float> inputs;
  std::vector<RowConformer> items;
  std::optional<Fold> fold;
  Head head;

  explicit Step(const Settings& s) : settings(read_head_settings(s)) {
    for (size_t i = 0; i < rows; ++i) {
      values.push_back(std::sin(3. * static_cast<double>(i)));
      items.push_back({i, 0});
    }
    for (size_t i = 0; i < rows * width; ++i)
      inputs.push_back(static_cast<float>(random_normal({5, 0}, 0, 0, 0, i)));
    data.rows = rows;
    data.width = width;
    data.targets = 1;
    data.values = values;
    data.target_names = {"y"};
    const std::vector<size_t> all{0, 1, 2, 3, 4};
    fold.emplace(make_fold(data, settings, plan_task(data, settings.task, all), {}, {all, {}, {}}));
    head = initialised_head(settings.kind, width, 1, 9, 0);
    for (const auto tensor : parameters(head))
      for (float& w : tensor) w = 20 * w + .1f;
  }
  Result run(uint32_t step = 0) {
    Result r{{}, make_head(head.kind, width, 1), std::vector<float>(inputs.size())};
    const std::vector<size_t> of = rows_of(items);
    const NetworkPass pass{inputs, r.d_inputs};
    r.loss = HeadStep(*fold).run(head, items, std::span(&pass, 1), step, whole_batch(*fold, of),
                                 r.gradient);
    return r;
  }
  // The outputs of sample k, by the head itself.
  std::vector<float> outputs(uint32_t k, double p, uint32_t step = 0) {
    const std::vector<uint32_t> ids = molecules_of(items);
    HeadActivations activations;
    std::vector<float> out(rows);
    head_forward_training(head, inputs.data(),
                          {p, fold->seed, step, ids, random_purpose(Purpose::train, 0, k)},
                          activations, out.data());
    return out;
  }
  double loss_at(float& x, float value) {
    const float before = x;
    x = value;
    const double loss = run().loss.mean();
    x = before;
    return loss;
  }
};

class MultiSampleHeads : public testing::TestWithParam<std::tuple<const char*, const char*>> {
 protected:
  const char* head = std::get<0>(GetParam());
  const char* reduce = std::get<1>(GetParam());
};

struct Quiet : Method {  // samples without dropout, which the settings refuse
  void on_plan(PassPlan& plan) const override {
    plan.head_rates = {0, 0, 0, 0};
    plan.mean_first = mean_first;
  }
  bool mean_first = false;
};

TEST_P(MultiSampleHeads, WithoutDropoutAreOnePass) {  // M2
  Step one(of_head(head, 1, "", 0)), four(of_head(head, 1, "", 0));
  auto methods = std::make_shared<Methods>();
  auto quiet = std::make_unique<Quiet>();
  quiet->mean_first = std::string(reduce) == "pred";
  methods->push_back(std::move(quiet));
  four.fold->methods = methods;
  const Result a = one.run(), b = four.run();
  EXPECT_EQ(a.loss.mean(), b.loss.mean());
  EXPECT_EQ(a.d_inputs, b.d_inputs);
  EXPECT_EQ(a.gradient.out_weight, b.gradient.out_weight);
}

TEST_P(MultiSampleHeads, HaveTheirGradients) {  // M5
  Step step(of_head(head, 3, reduce));
  const Result exact = step.run();
  const auto check = [&](float& x, double gradient) {
    constexpr float h = 2e-3f;
    const double difference =
        (step.loss_at(x, x + h) - step.loss_at(x, x - h)) / (double{x + h} - double{x - h});
    EXPECT_NEAR(difference, gradient, 2e-3 * (1 + std::abs(gradient)));
  };
  for (const size_t i : {0, 7, 29}) check(step.inputs[i], exact.d_inputs[i]);
  check(step.head.out_weight[2], exact.gradient.out_weight[2]);
  check(step.head.out_bias[0], exact.gradient.out_bias[0]);
  if (step.head.kind == HeadKind::pooled)
    check(step.head.dense_weight[3], exact.gradient.dense_weight[3]);
}

INSTANTIATE_TEST_SUITE_P(Each, MultiSampleHeads,
                         testing::Combine(testing::Values("linear", "pooled"),
                                          testing::Values("loss", "pred")));

TEST(MultiSample, LossesDifferByTheOutputsVariance) {  // M3
  Step loss(of_head("pooled", 5, "loss")), pred(of_head("pooled", 5, "pred"));
  double variance = 0;
  for (size_t i = 0; i < rows; ++i) {
    double mean = 0, squares = 0;
    for (uint32_t k = 0; k < 5; ++k) {
      const double f = loss.outputs(k, .4)[i];
      mean += f / 5;
      squares += f * f / 5;
    }
    variance += (squares - mean * mean) / rows;
  }
  EXPECT_NEAR(loss.run().loss.mean() - pred.run().loss.mean(), variance, 1e-5);
}

TEST(MultiSample, LossHasTheSameMeanAndLessVariance) {  // M4
  double mean[2] = {}, squares[2] = {};
  constexpr uint32_t steps = 4000;
  for (const int which : {0, 1}) {
    Step step(of_head("linear", which == 0 ? 1 : 8));
    for (uint32_t t = 0; t < steps; ++t) {
      const double loss = step.run(t).loss.mean();
      mean[which] += loss / steps;
      squares[which] += loss * loss / steps;
    }
    squares[which] -= mean[which] * mean[which];
  }
  EXPECT_NEAR(mean[0], mean[1], 4 * std::sqrt((squares[0] + squares[1]) / steps));
  EXPECT_NEAR(squares[1] / squares[0], 1. / 8, .2 / 8);
}

TEST(MultiSample, OfALinearHeadsOutputsIsTheMeanMask) {  // M6
  Step step(of_head("linear", 4, "pred"));
  const Result r = step.run();
  const std::vector<uint32_t> ids = molecules_of(step.items);
  for (size_t i = 0; i < rows; ++i) {
    std::vector<double> mask(width);
    double mean = 0;
    for (uint32_t k = 0; k < 4; ++k) {
      mean += step.outputs(k, .4)[i] / 4.;
      std::vector<float> scales(width);
      dropout_scales({random_key(step.fold->seed, 0), ids[i], site_head_in,
                      random_purpose(Purpose::train, 0, k), .4},
                     0, width, scales.data());
      for (int c = 0; c < width; ++c) mask[c] += scales[c] / 4.;
    }
    const double d_output = 2 * (mean - scaled_target(*step.fold, i, 0)) / rows;
    for (int c = 0; c < width; ++c)
      EXPECT_NEAR(r.d_inputs[i * width + c], d_output * step.head.out_weight[c] * mask[c], 1e-5);
  }
}

TEST(MultiSample, TakesARateForEachSample) {
  Settings s;
  s.set_text("msd.rates", ".1, .3,.5");
  EXPECT_NO_THROW(s.validate());
  EXPECT_EQ(s.i64("msd.n"), 3);
  EXPECT_NEAR(head_rate(s), .3, 1e-12);
  EXPECT_EQ(pass_plan(*make_methods(s), 0).head_rates, (std::vector<double>{.1, .3, .5}));
  s.set_i64("msd.n", 4);
  EXPECT_THROW(s.validate(), Error);
  s.set_i64("msd.n", 3);
  s.set_f64("msd.p", .2);
  EXPECT_THROW(s.validate(), Error);
}

TEST(MultiSample, NeedsARate) {
  Settings s;
  s.set_i64("msd.n", 5);
  EXPECT_THROW(s.validate(), Error);
  s.set_f64("msd.p", .2);
  EXPECT_NO_THROW(s.validate());
  EXPECT_EQ(head_rate(s), .2);
}

}  // namespace
}  // namespace molrt
