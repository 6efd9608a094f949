#include "train/loss.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace molrt {
namespace {

const float kNan = std::nanf("");

TEST(Loss, SquaredErrorIsTheMeanOverValidLabels) {
  const std::vector<float> f{1, 5, 2}, y{0, kNan, 4};
  std::vector<float> d(3);
  const LossSum loss = evaluate_loss({LossKind::mse, 1}, f.data(), y.data(), 3, d.data());
  EXPECT_EQ(loss.labels, 2u);
  EXPECT_DOUBLE_EQ(loss.mean(), 2.5);
  EXPECT_EQ(d, (std::vector<float>{1, 0, -2}));
}

TEST(Loss, AbsoluteErrorHasNoSlopeAtZero) {
  const std::vector<float> f{1, 2, 0}, y{0, 2, 3};
  std::vector<float> d(3);
  const LossSum loss = evaluate_loss({LossKind::mae, 1}, f.data(), y.data(), 3, d.data());
  EXPECT_DOUBLE_EQ(loss.sum, 4);
  EXPECT_EQ(d, (std::vector<float>{1.f / 3, 0, -1.f / 3}));
}

TEST(Loss, HuberTurnsLinearAtDelta) {
  const std::vector<float> f{1, -4}, y{0, 0};
  std::vector<float> d(2);
  const LossSum loss = evaluate_loss({LossKind::huber, 2}, f.data(), y.data(), 2, d.data());
  EXPECT_DOUBLE_EQ(loss.sum, .5 + 2 * (4 - 1));
  EXPECT_EQ(d, (std::vector<float>{.5f, -1}));
}

TEST(Loss, GradientsMatchFiniteDifferences) {
  const std::vector<float> y{.5f, -2, kNan, 3};
  for (const LossKind kind : {LossKind::mse, LossKind::mae, LossKind::huber}) {
    std::vector<float> f{1, 1, 1, 1}, d(4);
    evaluate_loss({kind, .75}, f.data(), y.data(), 4, d.data());
    for (size_t i = 0; i < 4; ++i) {
      const float h = 1.f / 256;
      f[i] = 1 + h;
      const double above = evaluate_loss({kind, .75}, f.data(), y.data(), 4, nullptr).mean();
      f[i] = 1 - h;
      const double below = evaluate_loss({kind, .75}, f.data(), y.data(), 4, nullptr).mean();
      f[i] = 1;
      EXPECT_NEAR(d[i], (above - below) / (2 * h), 1e-6);
    }
  }
}

}  // namespace
}  // namespace molrt
