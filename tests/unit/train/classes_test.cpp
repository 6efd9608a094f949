// Heads for classes: what they learn, what the report says, and labels that cannot be learnt.
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "base/philox.h"
#include "model/task.h"
#include "support/expect_error.h"
#include "train/head_training.h"

namespace molrt {
namespace {

const double kNan = std::nan("");

// Two columns of representations, and classes that they tell apart up to noise.
struct Sample {
  std::vector<float> x;
  std::vector<double> y, weights;
  HeadTrainingData data;

  Sample(size_t rows, int targets, const std::function<double(double, double, size_t)>& label) {
    for (size_t i = 0; i < rows; ++i) {
      const double a = normal(2 * i), b = normal(2 * i + 1);
      x.push_back(static_cast<float>(a)), x.push_back(static_cast<float>(b));
      for (int t = 0; t < targets; ++t)
        y.push_back(label(a + .3 * normal(5000 + i), b, static_cast<size_t>(t)));
    }
    data.rows = rows;
    data.width = 2;
    data.targets = targets;
    for (int t = 0; t < targets; ++t) data.target_names.push_back(fmt::format("t{}", t));
  }
  static double normal(size_t i) { return random_normal(random_key(8, 0), 7, 0, 0, i); }

  HeadTrainingResult train(const Settings& settings) {
    data.representations = x;
    data.values = y;
    data.weights = weights;
    return train_heads(data, settings, {});
  }
  nlohmann::json report(const Settings& settings) {
    return nlohmann::json::parse(train(settings).report);
  }
};

double binary_label(double a, double b, size_t) { return a + b > 0; }
double third(double a, double b, size_t) { return a > .5 ? 2 : b > 0 ? 1 : 0; }
double one_of_two(double a, double b, size_t t) { return (t == 0 ? a : b) > 0; }

Settings quick(const char* task) {
  Settings s;
  s.set_text("task", task);
  s.set_text("head", "linear");
  s.set_i64("epochs", 40);
  s.set_f64("lr", .02);
  s.set_f64("valid_fraction", .3);
  return s;
}

TEST(Classes, BinaryHasOneProbabilityAndAThreshold) {
  Sample sample(300, 1, binary_label);
  const auto result = sample.train(quick("binary"));
  EXPECT_EQ(result.plan.task, Task::binary);
  EXPECT_EQ(result.plan.outputs, std::vector<std::string>{"t0"});
  EXPECT_EQ(result.folds[0].head.outputs, 1);
  EXPECT_EQ(result.folds[0].scalers, std::vector<TargetScaler>(1));
  const auto report = nlohmann::json::parse(result.report), held_out = report["held_out"][0];
  EXPECT_EQ(held_out["n"], 90);
  EXPECT_EQ(held_out["class_counts"][0].get<int>() + held_out["class_counts"][1].get<int>(), 90);
  EXPECT_GT(held_out["auroc"], .95);
  EXPECT_EQ(held_out["mean_auroc"], .5);
  EXPECT_LT(held_out["logloss"], .5 * held_out["mean_logloss"].get<double>());
  EXPECT_EQ(held_out["threshold"], result.thresholds[0]);
  EXPECT_TRUE(report["warnings"].empty());
  for (const float p : result.held_out) EXPECT_TRUE(std::isnan(p) || (p > 0 && p < 1));
}

TEST(Classes, MulticlassHasAnOutputAClass) {
  Sample sample(300, 1, third);
  const auto result = sample.train(quick("multiclass"));
  EXPECT_EQ(result.plan.outputs, (std::vector<std::string>{"t0_0", "t0_1", "t0_2"}));
  EXPECT_EQ(result.folds[0].head.outputs, 3);
  EXPECT_EQ(result.folds[0].scalers.size(), 3u);
  EXPECT_TRUE(result.thresholds.empty());
  ASSERT_EQ(result.held_out.size(), 900u);
  for (size_t row = 0; row < 300; ++row) {
    const float* p = result.held_out.data() + 3 * row;
    EXPECT_EQ(std::isnan(*p), std::isnan(p[2]));
    if (!std::isnan(*p)) {
      EXPECT_NEAR(p[0] + p[1] + p[2], 1, 1e-6);
    }
  }
  const auto held_out = nlohmann::json::parse(result.report)["held_out"][0];
  EXPECT_EQ(held_out["class_counts"].size(), 3u);
  EXPECT_GT(held_out["accuracy"], .75);
  EXPECT_LT(held_out["mean_accuracy"], .6);
}

TEST(Classes, MultilabelSkipsEmptyCellsAndAveragesItsTargets) {
  Sample sample(300, 2, one_of_two);
  for (size_t i = 0; i < 600; i += 5) sample.y[i] = kNan;
  const auto result = sample.train(quick("multilabel"));
  EXPECT_EQ(result.thresholds.size(), 2u);
  const auto report = nlohmann::json::parse(result.report);
  const double a = report["held_out"][0]["auroc"], b = report["held_out"][1]["auroc"];
  EXPECT_GT(std::min(a, b), .9);
  EXPECT_DOUBLE_EQ(report["held_out_mean"]["auroc"], (a + b) / 2);
}

TEST(Classes, WithoutHeldOutRowsThereAreNoThresholds) {
  Sample sample(60, 1, binary_label);
  Settings s = quick("binary");
  s.set_f64("valid_fraction", 0);
  EXPECT_TRUE(sample.train(s).thresholds.empty());
}

TEST(Classes, BalancedWeightsRaiseTheRareClass) {
  Sample sample(400, 1, [](double a, double b, size_t) { return a + b > 2; });
  Settings s = quick("binary");
  const auto mean_probability = [&] {
    double sum = 0, n = 0;
    for (const float p : sample.train(s).held_out)
      if (!std::isnan(p)) sum += p, n += 1;
    return sum / n;
  };
  const double plain = mean_probability();
  s.set_text("class_weights", "balanced");
  EXPECT_GT(mean_probability(), 1.5 * plain);
}

TEST(Classes, AWeightOfZeroIsARowLeftOut) {
  Sample all(200, 1, binary_label), poisoned(200, 1, binary_label);
  all.weights.assign(200, 1);
  for (size_t row = 0; row < 200; row += 3)
    poisoned.y[row] = 1 - poisoned.y[row], all.weights[row] = 0;
  poisoned.weights = all.weights;
  Settings s = quick("binary");
  s.set_f64("valid_fraction", 0);
  EXPECT_EQ(all.train(s).folds[0].head.out_weight, poisoned.train(s).folds[0].head.out_weight);
}

TEST(Classes, WeightsThatLeaveNothingAreNamed) {
  Sample sample(40, 1, binary_label);
  sample.weights.assign(40, 0);
  EXPECT_ERROR(sample.train(quick("binary")), MOLRT_ERROR_DATA, "have weight 0");
  Sample values(40, 1, [](double a, double, size_t) { return a; });
  values.weights.assign(40, 2);
  Settings ridge;
  ridge.set_text("solver", "ridge");
  EXPECT_ERROR(values.train(ridge), MOLRT_ERROR_UNSUPPORTED,
               "solver=ridge takes no sample weights");
}

TEST(Classes, EarlyStoppingFollowsTheMetric) {
  Sample sample(200, 1, binary_label);
  Settings s = quick("binary");
  s.set_i64("patience", 5);
  s.set_text("metric", "auroc");
  const auto report = sample.report(s);
  EXPECT_EQ(report["metric"], "auroc");
  EXPECT_EQ(report["folds"][0]["valid_metric"], report["folds"][0]["targets"][0]["auroc"]);
  s.set_text("metric", "logloss");
  EXPECT_NE(sample.report(s)["folds"][0]["best_epoch"], report["folds"][0]["best_epoch"]);
}

TEST(Classes, ProgressShowsAMetricThatPeopleKnow) {
  Sample classes(60, 1, binary_label), values(60, 1, [](double a, double, size_t) { return a; });
  Sample several(60, 2, [](double a, double b, size_t t) { return t == 0 ? a : b; });
  EXPECT_EQ(classes.report(quick("binary"))["metric"], "auroc");
  EXPECT_EQ(values.report(quick("regression"))["metric"], "rmse");
  EXPECT_EQ(several.report(quick("regression"))["metric"], "r2");
  Settings s = quick("binary");
  s.set_text("metric", "loss");
  const auto report = classes.report(s);
  EXPECT_EQ(report["folds"][0]["valid_metric"], report["folds"][0]["valid_loss"]);
}

void expect_refusal(Sample sample, const Settings& s, const std::string& part) {
  EXPECT_ERROR(sample.train(s), MOLRT_ERROR_DATA, part);
}

TEST(Classes, LabelsThatAreNoClassesAreNamed) {
  Sample binary(40, 1, binary_label);
  binary.y[6] = 2;
  expect_refusal(binary, quick("binary"), "row 7: target 't0' is 2; task=binary expects 0 or 1");
  Sample classes(40, 1, third);
  classes.y[3] = 1.5;
  expect_refusal(classes, quick("multiclass"), "row 4: target 't0' is 1.5; task=multiclass");
  classes.y[3] = -1;
  expect_refusal(classes, quick("multiclass"), "row 4: target 't0' is -1; task=multiclass");
  classes.y[3] = 5;
  expect_refusal(classes, quick("multiclass"), "no row has the class 3, but the largest is 5");
  classes.y[3] = 1e6;
  expect_refusal(classes, quick("multiclass"), "row 4: target 't0' is 1000000");
  Sample labels(40, 2, one_of_two);
  labels.y[5] = .5;
  expect_refusal(labels, quick("multilabel"), "row 3: target 't1' is 0.5; task=multilabel");
}

TEST(Classes, OneClassOrSeveralTargetsAreNamed) {
  expect_refusal(Sample(40, 1, [](double, double, size_t) { return 1; }), quick("binary"),
                 "target 't0' is constant");
  expect_refusal(Sample(40, 1, [](double, double, size_t) { return 0; }), quick("multiclass"),
                 "target 't0' has only the class 0");
  expect_refusal(Sample(40, 2, one_of_two), quick("binary"),
                 "task=binary takes one target, found 2");
  Settings s = quick("multiclass");
  s.set_text("class_weights", "1,2");
  Sample sample(40, 1, third);
  EXPECT_ERROR(sample.train(s), MOLRT_ERROR_INVALID_ARGUMENT, "has 2 numbers for 3 classes");
}

TEST(Scaling, EveryKindTrainsAndIsInverted) {
  for (const char* kind : {"robust", "log1p", "power", "quantile", "minmax", "auto", "none"}) {
    Sample sample(200, 1, [](double a, double b, size_t) { return std::exp(a + b); });
    Settings s = quick("regression");
    s.set_text("target_scaling", kind);
    const auto held_out = sample.report(s)["held_out"][0];
    EXPECT_GT(held_out["spearman"], .8) << kind;
  }
}

TEST(Scaling, LogarithmsOfWhatHasNoneAreNamed) {
  Sample sample(40, 1, [](double a, double, size_t) { return a; });
  sample.y[11] = -3;
  Settings s = quick("regression");
  s.set_text("target_scaling", "log1p");
  expect_refusal(sample, s, "log1p, which needs values above -1: the smallest is -3");
}

bool warns(const nlohmann::json& report, const std::string& part) {
  for (const auto& warning : report["warnings"])
    if (warning.get<std::string>().find(part) != std::string::npos) return true;
  return false;
}

TEST(Warnings, TellOfConstantPredictions) {
  Sample sample(100, 1, [](double a, double, size_t) { return a; });
  for (float& x : sample.x) x = 1;
  EXPECT_TRUE(warns(sample.report(quick("regression")), "'t0' are nearly constant"));
  Settings s = quick("regression");
  s.set_f64("valid_fraction", 0);
  EXPECT_TRUE(warns(sample.report(s), "'t0' are nearly constant"));
  for (double& y : sample.y) y = y > 0;
  EXPECT_TRUE(warns(sample.report(quick("binary")), "'t0' are nearly constant"));
  Sample classes(100, 1, third);
  for (float& x : classes.x) x = 1;
  EXPECT_TRUE(warns(classes.report(quick("multiclass")), "'t0' are nearly constant"));
}

TEST(Warnings, TellOfMeasuredValuesThatLookLikeClasses) {
  Sample sample(100, 1, binary_label);
  EXPECT_TRUE(warns(sample.report(quick("regression")), "task=binary"));
  EXPECT_FALSE(warns(sample.report(quick("binary")), "task=binary"));
}

TEST(Warnings, TellOfAClassThatIsOnlyHeldOut) {
  Sample sample(90, 1, [](double a, double, size_t) { return a > 0; });
  sample.y[17] = 2;
  Settings s = quick("multiclass");
  s.set_f64("valid_fraction", .1);
  s.set_i64("folds", 1);
  Settings folds = quick("multiclass");
  EXPECT_FALSE(warns(Sample(90, 1, third).report(s), "is not among the training rows"));
  Settings three;
  three.set_text("task", "multiclass"), three.set_i64("folds", 3), three.set_i64("epochs", 2);
  EXPECT_TRUE(warns(sample.report(three), "the class 2 of 't0' is not among the training rows"));
}

}  // namespace
}  // namespace molrt
