// The checks of ChildTuning-D (regularisers.md 8.2: D2, D4 to D7) on gradients that a test makes.
#include "train/fisher.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "base/error.h"

namespace molrt {
namespace {

size_t ones(const std::vector<int64_t>& bits) {
  size_t count = 0;
  for (const int64_t word : bits)
    count += static_cast<size_t>(std::popcount(static_cast<uint64_t>(word)));
  return count;
}

bool bit(const std::vector<int64_t>& bits, size_t i) {
  return static_cast<uint64_t>(bits[i / 64]) >> (i % 64) & 1;
}

Scores random_scores(uint32_t seed, bool with_ties) {
  Scores scores(3);
  const size_t sizes[] = {1000, 1, 2317};
  for (uint32_t t = 0; t < 3; ++t)
    for (size_t i = 0; i < sizes[t]; ++i) {
      const double x = std::exp(8 * random_normal({seed, 0}, t, 0, 0, i));
      scores[t].push_back(static_cast<float>(with_ties ? std::floor(std::min(x, 9.)) : x));
    }
  return scores;
}

TEST(LargestBits, AreThoseOfASort) {  // D2, D6
  for (const bool ties : {false, true})
    for (const double keep : {1e-4, .1, .3, .777, 1.}) {
      const Scores scores = random_scores(1, ties);
      std::vector<float> all;
      for (const auto& tensor : scores) all.insert(all.end(), tensor.begin(), tensor.end());
      std::vector<size_t> order(all.size());
      for (size_t i = 0; i < order.size(); ++i) order[i] = i;
      std::stable_sort(order.begin(), order.end(),
                       [&](size_t a, size_t b) { return all[a] > all[b]; });
      const auto wanted =
          static_cast<size_t>(std::floor(keep * static_cast<double>(all.size()) + .5));
      const auto bits = largest_bits(scores, keep);
      EXPECT_EQ(ones(bits), wanted);
      for (size_t i = 0; i < all.size(); ++i) EXPECT_EQ(bit(bits, order[i]), i < wanted);
    }
}

TEST(LargestBits, TakeTheFirstOfAllEqual) {
  const auto bits = largest_bits({{0, 0, 0, 0}, {0, 0}}, .5);
  EXPECT_EQ(bits[0], 0b000111);
}

TEST(LargestBits, RefuseWhatIsNoNumber) {
  EXPECT_THROW(largest_bits({{1, std::numeric_limits<float>::quiet_NaN()}}, .5), Error);
}

// f = theta . x of Gaussian x with deviations s, and a true theta 0.
struct Linear : GradientSource {
  std::vector<double> s;
  std::vector<float> theta, gradient;
  std::vector<TrainedTensor> tensors;
  explicit Linear(std::vector<double> deviations)
      : s(std::move(deviations)),
        theta(s.size()),
        gradient(s.size()),
        tensors{{"w", theta, gradient}} {
    for (size_t j = 0; j < s.size(); ++j) theta[j] = .3f * static_cast<float>(j);
  }
  double x(size_t row, size_t j) const {
    return s[j] * random_normal({21, 0}, uint32_t(row), 0, 0, j);
  }
  double noise(size_t row) const { return .5 * random_normal({22, 0}, uint32_t(row), 0, 0, 0); }
  void gradients(std::span<const size_t> rows, const Target& target, bool, uint32_t,
                 Purpose) override {
    std::vector<float> f, d(rows.size());
    for (const size_t row : rows) {
      double sum = 0;
      for (size_t j = 0; j < s.size(); ++j) sum += theta[j] * x(row, j);
      f.push_back(static_cast<float>(sum));
    }
    for (size_t i = 0; i < rows.size(); ++i)
      d[i] = static_cast<float>((f[i] + noise(rows[i])) / static_cast<double>(rows.size()));
    if (target) target(rows, f, d);
    std::fill(gradient.begin(), gradient.end(), 0.f);
    for (size_t i = 0; i < rows.size(); ++i)
      for (size_t j = 0; j < s.size(); ++j) gradient[j] += d[i] * static_cast<float>(x(rows[i], j));
  }
  std::vector<float> fisher(const FisherSettings& settings, size_t rows, size_t batch = 8) {
    std::vector<size_t> all(rows);
    for (size_t i = 0; i < rows; ++i) all[i] = i;
    const std::vector<size_t> scope{0};
    return fisher_information({0, *this, tensors, all, batch, 5, 1, [] {}}, scope, settings)[0];
  }
};

// F_i = (tau^2 + sum d_j^2 s_j^2) s_i^2 + 2 d_i^2 s_i^4 with d the distance from the truth
TEST(Fisher, IsTheAnalyticOne) {  // D4
  Linear linear({.5, 1, 2});
  const auto found = linear.fisher({}, 40000);
  double sum = .25;
  for (size_t j = 0; j < 3; ++j) sum += std::pow(double{linear.theta[j]} * linear.s[j], 2);
  for (size_t i = 0; i < 3; ++i) {
    const double s2 = linear.s[i] * linear.s[i], d2 = std::pow(double{linear.theta[i]}, 2);
    EXPECT_NEAR(found[i], sum * s2 + 2 * d2 * s2 * s2, .08 * found[i]);
  }
}

TEST(Fisher, OfTheModelsLabelKnowsNoLabel) {  // (df/dtheta)^2 = x^2
  FisherSettings settings{};
  settings.label_of_model = true;
  Linear linear({.5, 1, 2});
  const auto found = linear.fisher(settings, 20000);
  for (size_t i = 0; i < 3; ++i) EXPECT_NEAR(found[i], linear.s[i] * linear.s[i], .05 * found[i]);
}

TEST(Fisher, OfBatchesOfOneIsThatOfMolecules) {  // D5, D7
  FisherSettings batches{};
  batches.of_batches = true;
  Linear linear({.5, 1, 2});
  EXPECT_EQ(linear.fisher(batches, 100, 1), linear.fisher({}, 100, 8));
  EXPECT_EQ(linear.fisher({}, 100), linear.fisher({}, 100));
  EXPECT_NE(linear.fisher(batches, 100, 4), linear.fisher({}, 100, 4));
}

TEST(Fisher, ClipsEachSampleAndLooksAtSoManyBatches) {
  Linear linear({.5, 1, 2});
  FisherSettings clipped{};
  clipped.clip = 1e-3;
  double sum = 0;
  for (const float f : linear.fisher(clipped, 100)) sum += f;
  EXPECT_LE(sum, 1.01e-6);
  FisherSettings few{};
  few.batches = 2;
  EXPECT_EQ(linear.fisher(few, 100, 8), linear.fisher({}, 16, 8));
}

}  // namespace
}  // namespace molrt
