#include "train/optimiser.h"

#include <gtest/gtest.h>

#include <cmath>

#include "support/npz.h"

namespace molrt {
namespace {

TEST(StepPlan, DropsTheLastPartialBatch) {
  const StepPlan plan = plan_steps(100, 32, 10, .03);
  EXPECT_EQ(plan.batch_size, 32u);
  EXPECT_EQ(plan.batches, 3u);
  EXPECT_EQ(plan.total, 30u);
  EXPECT_EQ(plan.warmup, 0u);  // int(.9)
}

TEST(StepPlan, FewerRowsThanABatchMakeOneStepAnEpoch) {
  const StepPlan plan = plan_steps(20, 32, 50, .1);
  EXPECT_EQ(plan.batch_size, 20u);
  EXPECT_EQ(plan.batches, 1u);
  EXPECT_EQ(plan.total, 50u);
  EXPECT_EQ(plan.warmup, 5u);
}

TEST(LearningRate, MatchesTheGoldenTrainingRun) {
  const auto golden = test::load_npz(test::golden_path("molecule_linear_training.npz"));
  const auto& expected = golden.at("learning_rate").numbers;
  const StepPlan plan{6, 1, expected.size(), 3};
  for (size_t step = 0; step < expected.size(); ++step)
    EXPECT_NEAR(learning_rate(1e-3, step, plan), expected[step], 1e-9) << "step " << step;
}

TEST(LearningRate, StartsAtThePeakWithoutWarmup) {
  const StepPlan plan{1, 1, 4, 0};
  EXPECT_EQ(learning_rate(.5, 0, plan), .5);
  EXPECT_EQ(learning_rate(.5, 3, plan), .125);
  EXPECT_EQ(learning_rate(.5, 4, plan), 0);
}

using Tensors = std::vector<TrainedTensor>;

TrainedTensor tensor(std::vector<float>& value, std::vector<float>& gradient) {
  return {"t", value, gradient};
}

TEST(Clip, ScalesTheWholeGradientToTheLimit) {
  std::vector<float> a{3, 0}, b{4};
  EXPECT_DOUBLE_EQ(clip_gradients(Tensors{tensor(a, a), tensor(b, b)}, 10, 1), 5);
  EXPECT_EQ(a[0], 3);
  EXPECT_DOUBLE_EQ(clip_gradients(Tensors{tensor(a, a), tensor(b, b)}, 0, 1), 5);
  EXPECT_EQ(a[0], 3);
  EXPECT_DOUBLE_EQ(clip_gradients(Tensors{tensor(a, a), tensor(b, b)}, 1, 2), 5);
  EXPECT_NEAR(a[0], .6, 1e-6);
  EXPECT_NEAR(b[0], .8, 1e-6);
}

TEST(Clip, CountsEveryElement) {
  for (size_t count = 1; count <= 33; ++count) {
    std::vector<float> values(count), empty;
    double squares = 0;
    for (size_t i = 0; i < count; ++i) {
      values[i] = 1 + static_cast<float>(i);
      squares += double{values[i]} * values[i];
    }
    EXPECT_DOUBLE_EQ(clip_gradients(Tensors{tensor(empty, empty), tensor(values, values)}, 0, 1),
                     std::sqrt(squares));
  }
}

// torch.optim.Adam's formulas in double precision, for five steps.
TEST(Adam, MatchesItsDefinition) {
  const double b1 = .9, b2 = .99, eps = 1e-3, rate = .1;
  std::vector<float> w{1, -2}, empty;
  double expected[2] = {1, -2}, m[2] = {}, v[2] = {};
  std::vector<float> g(2);
  const Tensors tensors{tensor(empty, empty), tensor(w, g)};
  Adam adam(b1, b2, eps, tensors);
  for (int t = 1; t <= 5; ++t) {
    g = {.3f * static_cast<float>(t), -1.f / static_cast<float>(t)};
    adam.step(tensors, rate, 1);
    for (int i = 0; i < 2; ++i) {
      m[i] = b1 * m[i] + (1 - b1) * g[i];
      v[i] = b2 * v[i] + (1 - b2) * g[i] * g[i];
      expected[i] -=
          rate * (m[i] / (1 - std::pow(b1, t))) / (std::sqrt(v[i] / (1 - std::pow(b2, t))) + eps);
      EXPECT_NEAR(w[i], expected[i], 1e-6) << "step " << t;
    }
  }
}

// Zero gradients: w - u shrinks by 1 - rate * factor * decay a step (spec: regularisers.md section
// 5).
TEST(Adam, DecaysTowardsTheOrigin) {
  std::vector<float> w{3}, zero{1}, g{0};
  const std::vector<float> origin{1};
  Tensors tensors = {tensor(w, g), tensor(zero, g)};
  tensors[0].origin = origin;
  tensors[0].pull = tensors[1].decay = .25;
  tensors[0].rate_factor = .5;
  Adam adam(.9, .999, 1e-6, tensors);
  for (int t = 1; t <= 5; ++t) {
    adam.step(tensors, .4, 1);
    EXPECT_NEAR(w[0], 1 + 2 * std::pow(1 - .4 * .5 * .25, t), 1e-6);
    EXPECT_NEAR(zero[0], std::pow(1 - .4 * .25, t), 1e-6);
  }
}

}  // namespace
}  // namespace molrt
