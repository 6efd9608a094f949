// Metrics, target scalers and losses against scikit-learn's numbers (make_task_numbers.py).
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "support/npz.h"
#include "train/loss.h"
#include "train/metrics.h"
#include "train/target_scaling.h"

namespace molrt {
namespace {

using nlohmann::json;

const json& golden() {
  static const json numbers = json::parse(std::ifstream(test::golden_path("task_numbers.json")));
  return numbers;
}

// JSON has no NaN: a text stands for it.
std::vector<double> numbers_of(const json& list) {
  std::vector<double> numbers;
  for (const json& item : list)
    numbers.push_back(item.is_number() ? item.get<double>() : std::nan(""));
  return numbers;
}

Outcomes outcomes_of(const json& c) {
  return {numbers_of(c["measured"]), numbers_of(c["predicted"]), c.value("classes", size_t{1})};
}

void expect_close(double found, double expected, double tolerance = 1e-12) {
  EXPECT_NEAR(found, expected, tolerance * (1 + std::abs(expected)));
}

TEST(TaskNumbers, MetricsAreScikitLearns) {
  size_t checked = 0;
  for (const json& c : golden()["metrics"]) {
    const bool classes = c["task"] != "regression";
    for (const Metric metric : metrics_of(classes ? Task::binary : Task::regression)) {
      SCOPED_TRACE(c["name"].get<std::string>() + " " + metric_name(metric));
      const double found = evaluate_metric(metric, outcomes_of(c));
      const json& expected = c["metrics"][metric_name(metric)];
      ++checked;
      if (expected.is_null()) {
        EXPECT_TRUE(std::isnan(found)) << found;
      } else {
        expect_close(found, expected);
      }
    }
  }
  EXPECT_EQ(checked, 21u * 6);
}

TEST(TaskNumbers, ThresholdIsThePeersBestF1) {
  const json& c = golden()["threshold"];
  EXPECT_EQ(best_threshold(outcomes_of(c)), c["threshold"].get<double>());
}

TEST(TaskNumbers, TargetScalersAreScikitLearns) {
  for (const json& c : golden()["scalers"]) {
    const std::string kind = c["kind"];
    SCOPED_TRACE(kind + " " + c["name"].get<std::string>());
    const std::vector<double> values = numbers_of(c["values"]);
    const double smallest = *std::min_element(values.begin(), values.end());
    const TargetScaler scaler = fit_target(target_scaling(kind), values, smallest, "y");
    const double tolerance = kind == "power" ? 1e-6 : 1e-12;
    if (kind == "power") {
      EXPECT_NEAR(scaler.lambda, c["lambda"].get<double>(), 1e-6);
    }
    if (c.contains("mean")) expect_close(scaler.mean, c["mean"]);
    if (c.contains("scale")) expect_close(scaler.scale, c["scale"]);
    for (size_t i = 0; i < c["probe"].size(); ++i) {
      const double probe = c["probe"][i], scaled = scaler.scaled(probe);
      expect_close(scaled, c["scaled"][i], tolerance);
      if (kind != "quantile" || i == 0 || i == 2) expect_close(scaler.inverse(scaled), probe, 1e-9);
    }
  }
}

TEST(TaskNumbers, AutoTakesTheLogarithmOfWhatIsSkewedByScipy) {
  for (const json& c : golden()["skews"]) {
    const std::vector<double> values = numbers_of(c["values"]);
    const double smallest = *std::min_element(values.begin(), values.end());
    const TargetScaler scaler = fit_target(TargetScaling::automatic, values, smallest, "y");
    EXPECT_EQ(scaler.kind == ScalerKind::log1p, c["log1p"].get<bool>()) << c["name"];
    const TargetScaler held_out = fit_target(TargetScaling::automatic, values, -1.5, "y");
    EXPECT_EQ(held_out.kind, ScalerKind::linear) << "a label that is held out is below -1";
  }
}

struct ClassRows {
  std::vector<float> z, y;
  std::vector<double> weights;
  size_t outputs;
};

ClassRows rows_of(const json& c) {
  ClassRows rows{{}, {}, numbers_of(c["weights"]), 0};
  for (const double z : numbers_of(c["z"])) rows.z.push_back(static_cast<float>(z));
  for (const double y : numbers_of(c["y"])) rows.y.push_back(static_cast<float>(y));
  rows.outputs = rows.z.size() / rows.y.size();
  return rows;
}

LossKind kind_of(const std::string& name) {
  return name == "bce" ? LossKind::bce : name == "ce" ? LossKind::ce : LossKind::focal;
}

// The logits are float32 here, which the numbers' are not: 1e-7.
TEST(TaskNumbers, LossesOfClassesAreTheWeightedMeans) {
  for (const json& c : golden()["losses"]) {
    SCOPED_TRACE(c["kind"].get<std::string>());
    const ClassRows r = rows_of(c);
    Loss loss{.kind = kind_of(c["kind"]), .softmax = r.outputs > 1, .class_weights = {}};
    LossBatch batch{r.y.size(), r.outputs, 1, r.z.data(), r.y.data(), nullptr};
    EXPECT_NEAR(evaluate_loss(loss, batch, nullptr).mean(), c["plain"].get<double>(), 1e-7);
    batch.weights = r.weights.data();
    loss.class_weights = {numbers_of(c["class_weights"])};
    EXPECT_NEAR(evaluate_loss(loss, batch, nullptr).mean(), c["weighted"].get<double>(), 1e-7);
  }
}

}  // namespace
}  // namespace molrt
