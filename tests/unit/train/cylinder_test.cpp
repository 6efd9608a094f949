// What dropout does to a regression (regularisers.md: E3, E3b, section 9's toy, finding 3), by the
// thresholds of section 0a. Margins: over 200 seeds, of which these are the first three.
#include "support/cylinder.h"

#include <gtest/gtest.h>

#include <cmath>

namespace molrt {
namespace {

using Runs = std::vector<CylinderPredictions>;

double same(double output) { return output; }
double probability(double logit) { return 1 / (1 + std::exp(-logit)); }

Runs runs_of(const CylinderArm& arm, double (*convert)(double) = same) {
  Runs runs;
  for (const uint64_t seed : {1, 2, 3}) {
    ToyNet net = train_on_cylinders(arm, seed);
    runs.push_back(predict_cylinders(net, seed, convert));
  }
  return runs;
}

// Dropout before the second hidden layer, whose ReLU follows it, and before the last layer, which
// is linear.
const std::vector<double> before_relu{0, .5, 0}, before_last{0, 0, .5};
const Runs& relu_runs() {
  static const Runs runs = runs_of({before_relu});
  return runs;
}
const Runs& last_runs() {
  static const Runs runs = runs_of({before_last});
  return runs;
}

using Score = double (*)(const Cylinders&, const std::vector<double>&);
double deterministic(const CylinderPredictions& p, Score score) {
  return score(p.cylinders, p.deterministic);
}
double mc(const CylinderPredictions& p, Score score) { return score(p.cylinders, p.mc); }

double mean_deterministic(const Runs& runs, Score score) {
  double sum = 0;
  for (const auto& p : runs) sum += deterministic(p, score);
  return sum / static_cast<double>(runs.size());
}

TEST(Cylinder, IsLearntWithoutDropout) {
  for (const auto& p : runs_of({})) {
    EXPECT_LT(deterministic(p, root_mean_square_error), .06);  // at most .044
    EXPECT_EQ(p.mc.size(), p.deterministic.size());
    for (size_t i = 0; i < p.mc.size(); ++i) EXPECT_NEAR(p.mc[i], p.deterministic[i], 1e-12);
  }
}

TEST(Cylinder, DropoutBeforeAReluShrinksLargePredictions) {
  // At most -.55; two of 200 seeds alone are above -.35.
  EXPECT_LT(mean_deterministic(relu_runs(), bias_of_large), -.35);
  for (const auto& p : relu_runs()) EXPECT_LT(deterministic(p, slope), .82);  // at most .73
}

TEST(Cylinder, MonteCarloMendsWhatAReluShrinks) {
  for (const auto& p : relu_runs()) {
    EXPECT_GT(mc(p, bias_of_large), -.2);  // at least -.162
    EXPECT_GT(mc(p, slope), .88);          // at least .911
    EXPECT_LT(mc(p, root_mean_square_error),
              .5 * deterministic(p, root_mean_square_error));  // at most .35
  }
}

// The same cylinders cost less with dropout than without: no sign of overfitting.
TEST(Cylinder, DropoutBeforeAReluLooksLikeOverfitting) {
  for (const auto& p : relu_runs())  // a ratio of at most .73
    EXPECT_LT(p.training_loss, std::pow(deterministic(p, root_mean_square_error), 2));
  for (const auto& p : last_runs())  // of at least 5.1
    EXPECT_GT(p.training_loss, std::pow(deterministic(p, root_mean_square_error), 2));
}

TEST(Cylinder, DropoutBeforeTheLastLayerIsRidgeWhichMonteCarloKeeps) {
  for (const auto& p : last_runs()) {
    EXPECT_LT(deterministic(p, bias_of_large), -.06);                         // at most -.101
    EXPECT_NEAR(deterministic(p, bias_of_large), mc(p, bias_of_large), .03);  // at most .011
  }
}

void expect_ranks(const Runs& runs) {
  for (const auto& p : runs) {
    EXPECT_GT(deterministic(p, auroc), .97);                 // at least .988
    EXPECT_LT(mc(p, auroc) - deterministic(p, auroc), .03);  // at most .011
  }
}

// E3b: the volume's shrunk predictions still rank it, and so do the logits of a network that learns
// the classes.
TEST(Cylinder, DropoutBeforeAReluLeavesClassesAlone) {
  expect_ranks(relu_runs());
  expect_ranks(runs_of({before_relu, cross_entropy}, probability));
}

// The passes agree more, and their mean shrinks with the deterministic prediction, which R-Drop
// does not mend.
TEST(Cylinder, RDropLowersTheSpreadAndNotTheShift) {
  const Runs two = runs_of({before_relu, rdrop(0), 2}), four = runs_of({before_relu, rdrop(4), 2});
  for (size_t i = 0; i < two.size(); ++i) {
    EXPECT_LT(four[i].spread, two[i].spread);  // by at least .013 of .2
    EXPECT_LT(mc(four[i], slope), mc(two[i], slope));
  }
  EXPECT_LT(mean_deterministic(two, bias_of_large), -.35);   // at most -.60
  EXPECT_LT(mean_deterministic(four, bias_of_large), -.35);  // at most -.80
}

// Finding 3: before a linear layer all of them add kappa Var f to the squared error, and shrink by
// as much: 1/n with the loss of n passes' mean, 1, 1 of two passes, 1 + alpha with R-Drop.
TEST(Cylinder, NoiseBeforeTheLastLayerShrinksByKappa) {
  const auto bias = [](const Objective& objective, size_t passes) {
    return mean_deterministic(runs_of({before_last, objective, passes}), bias_of_large);
  };
  const double one = mean_deterministic(last_runs(), bias_of_large), two = bias(rdrop(0), 2);
  EXPECT_GT(one / bias(squared_error_of_mean, 4), 2);  // 2.8 to 6.7, 4.0 on average
  EXPECT_NEAR(two / one, 1, .25);                      // .87 to 1.20
  EXPECT_GT(bias(rdrop(1), 2) / two, 1.35);            // 1.58 to 2.05, 1.85 on average
}

}  // namespace
}  // namespace molrt
