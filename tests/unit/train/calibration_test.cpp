// Error bars and intervals: the fit's optimum, MC4, exact ranks, and the choice of the mode.
#include "train/calibration.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "base/philox.h"

namespace molrt {
namespace {

double normal(uint32_t stream, size_t i) {
  return random_normal(random_key(11, 0), stream, 0, 0, i);
}

// Errors whose variance is a s^2 + b; spreads differ by a factor of 20 in s^2.
HeldOutErrors errors_with(double a, double b, size_t n, uint32_t stream = 1) {
  HeldOutErrors e;
  for (size_t i = 0; i < n; ++i) {
    const double s2 = std::exp(1.5 * std::sin(static_cast<double>(i)));
    e.spreads_squared.push_back(s2);
    e.errors.push_back(std::sqrt(a * s2 + b) * normal(stream, i));
  }
  return e;
}

std::vector<double> sigmas_of(const HeldOutErrors& e, double a, double b) {
  std::vector<double> sigmas;
  for (const double s2 : e.spreads_squared) sigmas.push_back(std::sqrt(a * s2 + b));
  return sigmas;
}

double nll(const HeldOutErrors& e, double a, double b) {
  return gaussian_nll(e.errors, sigmas_of(e, a, b));
}

TEST(Calibration, FindsTheVarianceThatErrorsHave) {
  const Calibration c = fit_affine(errors_with(2, .5, 40000));
  EXPECT_NEAR(c.a, 2, .1);
  EXPECT_NEAR(c.b, .5, .05);
}

TEST(Calibration, IsTheBestOfAllAAndB) {
  const HeldOutErrors e = errors_with(.7, 1.3, 300);
  const Calibration c = fit_affine(e);
  const double best = nll(e, c.a, c.b);
  for (const double a : {.9, .99, 1., 1.01, 1.1})
    for (const double b : {.9, .99, 1., 1.01, 1.1})
      EXPECT_LE(best, nll(e, a * c.a, b * c.b) + 1e-12) << a << ' ' << b;
  EXPECT_LE(best, nll(e, 1, 0));  // MC4
}

TEST(Calibration, NeedsNoSpreadAndIgnoresOneThatSaysNothing) {
  HeldOutErrors e = errors_with(0, 4, 1000);
  EXPECT_NEAR(fit_affine(e).b, 4, .6);
  e.spreads_squared.assign(e.size(), 0);
  const Calibration constant = fit_affine(e);
  double squares = 0;
  for (const double x : e.errors) squares += x * x;
  EXPECT_EQ(constant.a, 0);
  EXPECT_DOUBLE_EQ(constant.b, squares / 1000);
}

TEST(Calibration, KeepsBothNumbersFromBecomingNegative) {
  // Larger spreads beside smaller errors.
  HeldOutErrors e = errors_with(1, 0, 500);
  for (double& s2 : e.spreads_squared) s2 = 1 / s2;
  const Calibration c = fit_affine(e);
  EXPECT_EQ(c.a, 0);
  EXPECT_GT(c.b, 0);
  EXPECT_NEAR(fit_affine(errors_with(3, 0, 5000)).b, 0, .05);
}

TEST(Calibration, FitsOneNumberToFewValuesAndNoneToOne) {
  const HeldOutErrors few = errors_with(2, .1, few_values - 1);
  EXPECT_EQ(fit_affine(few).a, 0);
  EXPECT_EQ(calibrate(errors_with(1, 1, 1), Calibrated::conformal).rows, 0u);
  EXPECT_TRUE(std::isnan(Calibration{}.sigma(1)));
}

TEST(Calibration, TakesPerfectPredictionsAndUncertaintyWithoutSpread) {
  HeldOutErrors e;
  e.errors.assign(50, 0);
  e.spreads_squared.assign(50, 0);
  const Calibration c = calibrate(e, Calibrated::conformal);
  EXPECT_EQ(c.sigma(0), 0);
  EXPECT_EQ(c.reach(.9), 0);
  e.errors[7] = 1;
  const Calibration one = calibrate(e, Calibrated::conformal);
  EXPECT_GT(one.sigma(0), 0);
  EXPECT_TRUE(std::isfinite(one.scores.back()));
}

TEST(Conformal, TakesTheScoreOfTheFiniteSampleRank) {
  Calibration c;
  c.rows = 9;
  for (int i = 1; i <= 9; ++i) c.scores.push_back(i);
  EXPECT_EQ(c.reach(.9), 9);  // ceil(10 * .9)
  EXPECT_EQ(c.reach(.8), 8);
  EXPECT_EQ(c.reach(.81), 9);
  EXPECT_EQ(c.reach(.5), 5);
  EXPECT_TRUE(std::isinf(c.reach(.91)));
}

TEST(Conformal, KeepsAThousandScoresAndErrsToTheWideSide) {
  std::vector<double> scores(7777);
  std::iota(scores.begin(), scores.end(), 1.0);
  Calibration c;
  c.rows = scores.size();
  c.scores = stored_scores(scores);
  ASSERT_EQ(c.scores.size(), most_scores);
  EXPECT_EQ(c.scores.back(), 7777);
  for (int percent = 50; percent <= 99; ++percent) {
    const double rank = std::ceil(7778 * percent / 100.0);
    EXPECT_GE(c.reach(percent / 100.0), rank) << percent;
    EXPECT_LE(c.reach(percent / 100.0), rank + 9) << percent;
  }
}

// MC4: exchangeable values with heavy tails, on which a normal distribution would be wrong.
TEST(Conformal, CoversWhatItPromises) {
  const auto heavy = [](uint32_t stream) {
    HeldOutErrors e = errors_with(1, .5, 5000, stream);
    for (double& x : e.errors) x *= std::abs(x) * std::abs(x);
    return e;
  };
  const Calibration c = calibrate(heavy(1), Calibrated::conformal);
  const HeldOutErrors fresh = heavy(2);
  for (const double level : {.5, .8, .9, .95}) {
    double inside = 0;
    for (size_t i = 0; i < fresh.size(); ++i)
      inside += std::abs(fresh.errors[i]) <= c.reach(level) * c.sigma(fresh.spreads_squared[i]);
    EXPECT_NEAR(inside / 5000, level, .02) << level;
  }
}

TEST(Conformal, WithoutScoresIsNormal) {
  EXPECT_NEAR(Calibration{}.reach(.9), 1.6448536, 1e-6);
  EXPECT_NEAR(Calibration{}.reach(.6826895), 1, 1e-6);
}

TEST(CrossFit, CalibratesEachValueByTheOthers) {
  HeldOutErrors e = errors_with(1, 1, 400);
  const double before = cross_fit(e, Calibrated::conformal).sigmas[0];
  e.errors[0] = 1000;
  const CrossFit after = cross_fit(e, Calibrated::conformal);
  EXPECT_EQ(after.sigmas[0], before);
  EXPECT_GT(after.sigmas[1], 3 * before);
  EXPECT_EQ(after.reach(.9)[0], after.reach(.9)[2]);
  EXPECT_NE(after.reach(.9)[0], after.reach(.9)[1]);
}

TEST(CrossFit, KeepsAMoleculeOnOneSide) {
  HeldOutErrors e = errors_with(1, 1, 400);
  for (size_t i = 0; i < e.size(); ++i) e.molecules.push_back(i / 2);
  const CrossFit before = cross_fit(e, Calibrated::conformal);
  e.errors[0] = e.errors[1] = 1000;
  const CrossFit after = cross_fit(e, Calibrated::conformal);
  EXPECT_EQ(after.sigmas[0], before.sigmas[0]);
  EXPECT_EQ(after.sigmas[1], before.sigmas[1]);
  EXPECT_GT(after.sigmas[2], 3 * before.sigmas[2]);
}

TEST(GainOfMc, IsBeyondChanceOrNot) {
  std::vector<double> det, better, same;
  for (size_t i = 0; i < 300; ++i) {
    const double e = normal(1, i);
    det.push_back(std::pow(e + .5, 2));
    better.push_back(std::pow(e, 2));
    same.push_back(std::pow(e + .5 + .05 * normal(2, i), 2));
  }
  EXPECT_GT(gain_lower_bound(det, better, 1), 0);
  EXPECT_LT(gain_lower_bound(better, det, 1), 0);
  EXPECT_LT(gain_lower_bound(det, same, 1), 0);
  EXPECT_EQ(gain_lower_bound(det, det, 1), 0);
  EXPECT_EQ(gain_lower_bound(det, better, 5), gain_lower_bound(det, better, 5));
  // A paired gain: sqrt(1.25) - 1 with a standard error of about .02.
  EXPECT_NEAR(gain_lower_bound(det, better, 1), std::sqrt(1.25) - 1, .12);
}

}  // namespace
}  // namespace molrt
