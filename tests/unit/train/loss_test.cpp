#include "train/loss.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace molrt {
namespace {

const float kNan = std::nanf("");

Loss loss_of(LossKind kind, bool softmax = false) {
  return {.kind = kind, .huber_delta = 1, .softmax = softmax, .class_weights = {}};
}

// One output a label.
LossBatch column(const std::vector<float>& f, const std::vector<float>& y) {
  return {f.size(), 1, 1, f.data(), y.data(), nullptr};
}

LossBatch classes(const std::vector<float>& z, const std::vector<float>& y) {
  return {y.size(), z.size() / y.size(), 1, z.data(), y.data(), nullptr};
}

TEST(Loss, SquaredErrorIsTheMeanOverValidLabels) {
  const std::vector<float> f{1, 5, 2}, y{0, kNan, 4};
  std::vector<float> d(3);
  const LossSum loss = evaluate_loss(loss_of(LossKind::mse), column(f, y), d.data());
  EXPECT_EQ(loss.weight, 2);
  EXPECT_DOUBLE_EQ(loss.mean(), 2.5);
  EXPECT_EQ(d, (std::vector<float>{1, 0, -2}));
}

TEST(Loss, AbsoluteErrorHasNoSlopeAtZero) {
  const std::vector<float> f{1, 2, 0}, y{0, 2, 3};
  std::vector<float> d(3);
  const LossSum loss = evaluate_loss(loss_of(LossKind::mae), column(f, y), d.data());
  EXPECT_DOUBLE_EQ(loss.sum, 4);
  EXPECT_EQ(d, (std::vector<float>{1.f / 3, 0, -1.f / 3}));
}

TEST(Loss, HuberTurnsLinearAtDelta) {
  const std::vector<float> f{1, -4}, y{0, 0};
  std::vector<float> d(2);
  Loss huber = loss_of(LossKind::huber);
  huber.huber_delta = 2;
  const LossSum loss = evaluate_loss(huber, column(f, y), d.data());
  EXPECT_DOUBLE_EQ(loss.sum, .5 + 2 * (4 - 1));
  EXPECT_EQ(d, (std::vector<float>{.5f, -1}));
}

TEST(Loss, WithoutLabelsThereIsNoMean) {
  const std::vector<float> f{1, 5}, y{kNan, kNan};
  std::vector<float> d{7, 7};
  const LossSum loss = evaluate_loss(loss_of(LossKind::mse), column(f, y), d.data());
  EXPECT_TRUE(std::isnan(loss.mean()));
  EXPECT_EQ(d, (std::vector<float>{0, 0}));
}

TEST(Loss, WeightsAreThoseOfTheMean) {
  const std::vector<float> f{1, 2, 3}, y{0, 0, kNan};
  const std::vector<double> w{3, 1, 100};
  LossBatch batch = column(f, y);
  batch.weights = w.data();
  std::vector<float> d(3);
  const LossSum loss = evaluate_loss(loss_of(LossKind::mse), batch, d.data());
  EXPECT_EQ(loss.weight, 4);
  EXPECT_DOUBLE_EQ(loss.mean(), (3 * 1 + 1 * 4) / 4.0);
  EXPECT_EQ(d, (std::vector<float>{3 * 2 / 4.f, 1 * 4 / 4.f, 0}));
}

TEST(Loss, AWeightOfTwoIsTheRowTwice) {
  const std::vector<float> once{1, -2}, twice{1, -2, -2}, y1{1, 0}, y2{1, 0, 0};
  const std::vector<double> w{1, 2};
  for (const LossKind kind : {LossKind::mse, LossKind::bce, LossKind::focal}) {
    LossBatch batch = column(once, y1);
    batch.weights = w.data();
    std::vector<float> d1(2), d2(3);
    const LossSum a = evaluate_loss(loss_of(kind), batch, d1.data());
    const LossSum b = evaluate_loss(loss_of(kind), column(twice, y2), d2.data());
    EXPECT_DOUBLE_EQ(a.mean(), b.mean());
    EXPECT_FLOAT_EQ(d1[1], d2[1] + d2[2]);
  }
}

TEST(Loss, ClassWeightsAreEachTargets) {
  const std::vector<float> z{0, 0, 0, 0}, y{1, 0, 0, 1};  // [2 rows, 2 targets]
  Loss loss = loss_of(LossKind::bce);
  loss.class_weights = {{1, 5}, {2, 3}};
  const LossBatch batch{2, 2, 2, z.data(), y.data(), nullptr};
  std::vector<float> d(4);
  EXPECT_EQ(evaluate_loss(loss, batch, d.data()).weight, 5 + 2 + 1 + 3);
  EXPECT_EQ(d, (std::vector<float>{-2.5f / 11, 1.f / 11, .5f / 11, -1.5f / 11}));
}

// What the network's parts of a batch add up to.
TEST(Loss, PartsGiveTheGradientOfTheWhole) {
  const std::vector<float> z{.5f, -1, 2, 0, 1, -3, .25f, 3, 1}, y{2, kNan, 0};
  Loss loss = loss_of(LossKind::ce, true);
  loss.class_weights = {{1, 2, 4}};
  const LossBatch all = classes(z, y);
  std::vector<float> whole(9), parts(9);
  const LossSum sum = evaluate_loss(loss, all, whole.data());
  LossSum added;
  for (size_t row = 0; row < 3; ++row) {
    const LossBatch part{1, 3, 1, z.data() + 3 * row, y.data() + row, nullptr};
    added += evaluate_loss(loss, part, parts.data() + 3 * row, label_weight(loss, all));
  }
  EXPECT_EQ(whole, parts);
  EXPECT_EQ(sum.weight, added.weight);
  EXPECT_DOUBLE_EQ(sum.sum, added.sum);
}

std::vector<Loss> losses_of_logits() {
  std::vector<Loss> losses = {loss_of(LossKind::bce), loss_of(LossKind::focal)};
  losses.push_back(loss_of(LossKind::focal));
  losses.back().focal_gamma = .5, losses.back().focal_alpha = .8;
  return losses;
}

TEST(Loss, GradientsMatchFiniteDifferences) {
  const std::vector<float> y{.5f, -2, kNan, 3}, labels{1, 0, kNan, 1};
  std::vector<Loss> losses = losses_of_logits();
  for (const LossKind kind : {LossKind::mse, LossKind::mae, LossKind::huber})
    losses.push_back(loss_of(kind)), losses.back().huber_delta = .75;
  for (const Loss& loss : losses) {
    std::vector<float> f{1, 1, 1, 1}, d(4);
    const auto& targets = loss.kind <= LossKind::huber ? y : labels;
    evaluate_loss(loss, column(f, targets), d.data());
    for (size_t i = 0; i < 4; ++i) {
      const float h = 1.f / 256;
      f[i] = 1 + h;
      const double above = evaluate_loss(loss, column(f, targets), nullptr).mean();
      f[i] = 1 - h;
      const double below = evaluate_loss(loss, column(f, targets), nullptr).mean();
      f[i] = 1;
      EXPECT_NEAR(d[i], (above - below) / (2 * h), 1e-5) << loss_name(loss.kind);
    }
  }
}

TEST(Loss, GradientsOfASoftmaxMatchFiniteDifferences) {
  for (const LossKind kind : {LossKind::ce, LossKind::focal})
    for (const double gamma : {.5, 2.}) {
      Loss loss = loss_of(kind, true);
      loss.focal_gamma = gamma;
      std::vector<float> z{.5f, -1, 2, 0, 1, -3}, d(6);
      const std::vector<float> y{2, 0};
      evaluate_loss(loss, classes(z, y), d.data());
      for (size_t i = 0; i < 6; ++i) {
        const float h = 1.f / 256, at = z[i];
        z[i] = at + h;
        const double above = evaluate_loss(loss, classes(z, y), nullptr).mean();
        z[i] = at - h;
        const double below = evaluate_loss(loss, classes(z, y), nullptr).mean();
        z[i] = at;
        EXPECT_NEAR(d[i], (above - below) / (2 * h), 1e-5) << loss_name(kind) << i;
      }
    }
}

// Far logits: what is right costs next to nothing and what is wrong |z|, with slopes to match.
TEST(Loss, StaysExactForFarLogits) {
  for (const float z : {80.f, 500.f}) {
    for (const float y : {0.f, 1.f}) {
      const float right = y == 1 ? z : -z;
      float d = 0;
      const Loss bce = loss_of(LossKind::bce);
      EXPECT_DOUBLE_EQ(evaluate_loss(bce, column({-right}, {y}), &d).mean(), z);
      EXPECT_EQ(d, y == 1 ? -1 : 1);
      EXPECT_DOUBLE_EQ(evaluate_loss(bce, column({right}, {y}), &d).mean(), std::exp(-double{z}));
      EXPECT_FLOAT_EQ(d, static_cast<float>((y == 1 ? -1 : 1) * std::exp(-double{z})));
      const Loss focal = loss_of(LossKind::focal);
      const double alpha = y == 1 ? .25 : .75;
      EXPECT_DOUBLE_EQ(evaluate_loss(focal, column({-right}, {y}), &d).mean(), alpha * z);
      EXPECT_GE(evaluate_loss(focal, column({right}, {y}), &d).mean(), 0);
      EXPECT_TRUE(std::isfinite(d));
    }
    const std::vector<float> logits{z, 0, -z};
    for (const LossKind kind : {LossKind::ce, LossKind::focal})
      for (const double gamma : {.5, 2.}) {
        Loss loss = loss_of(kind, true);
        loss.focal_gamma = gamma;
        std::vector<float> d(3);
        EXPECT_DOUBLE_EQ(evaluate_loss(loss, classes(logits, {2}), d.data()).mean(), 2 * z);
        EXPECT_FLOAT_EQ(d[0], 1);
        EXPECT_FLOAT_EQ(d[2], -1);
        const double best = evaluate_loss(loss, classes(logits, {0}), d.data()).mean();
        EXPECT_TRUE(best >= 0 && best < 1e-30) << best;
        for (const float slope : d) EXPECT_TRUE(std::abs(slope) < 1e-30f) << slope;
      }
  }
}

TEST(Loss, FocalWithoutGammaIsTheCrossEntropy) {
  Loss focal = loss_of(LossKind::focal);
  focal.focal_gamma = 0, focal.focal_alpha = .5;
  const std::vector<float> z{.3f, -2, 5}, y{1, 1, 0};
  std::vector<float> a(3), b(3);
  const double half = evaluate_loss(focal, column(z, y), a.data()).mean();
  EXPECT_DOUBLE_EQ(2 * half, evaluate_loss(loss_of(LossKind::bce), column(z, y), b.data()).mean());
  for (size_t i = 0; i < 3; ++i) EXPECT_FLOAT_EQ(2 * a[i], b[i]);
}

TEST(Loss, PairsThatDoNotFitSayWhy) {
  EXPECT_NE(loss_misfit(LossKind::mse, Task::binary).find("measured values"), std::string::npos);
  EXPECT_NE(loss_misfit(LossKind::bce, Task::regression).find("classes"), std::string::npos);
  EXPECT_NE(loss_misfit(LossKind::ce, Task::multilabel), "");
  EXPECT_NE(loss_misfit(LossKind::bce, Task::multiclass), "");
  for (const Task task : {Task::regression, Task::binary, Task::multiclass, Task::multilabel})
    EXPECT_EQ(loss_misfit(usual_loss(task), task), "");
}

}  // namespace
}  // namespace molrt
