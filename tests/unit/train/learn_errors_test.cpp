// What a run learns of its errors: who predicts a row, which mode wins, and what the report says.
#include "train/learn_errors.h"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>

#include "base/error.h"
#include "base/philox.h"
#include "train/mc_settings.h"

namespace molrt {
namespace {

double normal(uint32_t stream, size_t i) {
  return random_normal(random_key(21, 0), stream, 0, 0, i);
}

// Rows with standard normal values, and members that predict them with given errors.
struct FakeRun {
  size_t rows;
  std::vector<double> values;
  std::vector<size_t> all;
  HeadTrainingData data;
  TaskPlan plan{Task::regression, 0, {"y"}};
  Settings settings;
  DropoutRates rates;
  std::vector<HeldOutMoments> moments;
  std::vector<HeldOutMember> members;

  explicit FakeRun(size_t rows) : rows(rows), all(rows) {
    std::iota(all.begin(), all.end(), size_t{0});
    for (size_t i = 0; i < rows; ++i) values.push_back(normal(1, i));
    data.rows = rows;
    data.targets = 1;
    data.values = values;
    data.target_names = {"y"};
    rates.residual = .1;
    moments.reserve(10);
  }

  // Predictions value + offset + size * noise; the MC mean lacks the offset.
  void add_member(double offset, double size, uint32_t stream) {
    std::vector<float> det;
    HeldOutMoments& mc = moments.emplace_back();
    for (size_t i = 0; i < rows; ++i) {
      const double error = size * normal(stream, i);
      det.push_back(static_cast<float>(values[i] + offset + error));
      mc.mean.push_back(static_cast<float>(values[i] + error));
      mc.variance.push_back(static_cast<float>(size * size));
    }
    members.push_back({all, det, mc});
  }
  LearntErrors learn() const { return learn_errors(data, plan, settings, rates, members); }
};

TEST(LearningErrors, TakesTheModeThatTheHeldOutRowsFavour) {
  FakeRun biased(200);
  biased.settings.set_text("predict", "auto");
  biased.settings.set_text("freeze.prefix", "none");
  biased.add_member(.5, .3, 2);
  EXPECT_EQ(biased.learn().uncertainty.mode, PredictMode::mc);
  FakeRun level(200);
  level.settings = biased.settings;
  level.add_member(0, .3, 2);
  EXPECT_EQ(level.learn().uncertainty.mode, PredictMode::deterministic);
  biased.settings.set_text("predict", "det");
  EXPECT_EQ(biased.learn().uncertainty.mode, PredictMode::deterministic);
}

TEST(LearningErrors, CalibratesBothModes) {
  FakeRun run(400);
  run.add_member(.5, .3, 2);
  const Uncertainty u = run.learn().uncertainty;
  EXPECT_EQ(u.kind, Calibrated::conformal);
  EXPECT_FALSE(u.between);
  ASSERT_EQ(u.deterministic.size(), 1u);
  EXPECT_EQ(u.deterministic[0].a, 0);  // no spread without passes and seeds
  EXPECT_NEAR(u.deterministic[0].sigma(0), std::hypot(.5, .3), .04);
  EXPECT_NEAR(u.mc[0].sigma(.09), .3, .03);
  EXPECT_EQ(u.mc[0].scores.size(), 400u);
  EXPECT_EQ(uncertainty_fault(u, 1, 1, 1), "");
}

TEST(LearningErrors, OfSeveralSeedsHaveTheirVariance) {
  FakeRun run(400);
  for (uint32_t seed = 0; seed < 3; ++seed) run.add_member(0, .3, 2 + seed);
  const LearntErrors learnt = run.learn();
  EXPECT_TRUE(learnt.uncertainty.between);
  const auto report = nlohmann::json::parse(learnt.report);
  const auto& target = report.at("targets").at(0);
  EXPECT_EQ(target.at("n"), 400);
  EXPECT_NEAR(target.at("det").at("rmse"), .3 / std::sqrt(3), .02);
  EXPECT_NEAR(target.at("det").at("spread"), .3, .02);
  EXPECT_NEAR(target.at("mc").at("spread"), std::sqrt(.18), .02);  // within and between
}

TEST(LearningErrors, TellCoverageByValuesThatTheCalibrationHasNotSeen) {
  FakeRun run(2000);
  run.add_member(0, .4, 5);
  const LearntErrors learnt = run.learn();
  const auto target = nlohmann::json::parse(learnt.report).at("targets").at(0);
  for (const auto& item : target.at("det").at("calibrated").at("coverage"))
    EXPECT_NEAR(item.at("seen").get<double>(), item.at("level").get<double>(), .03);
  EXPECT_TRUE(target.at("det").at("raw").at("nll").is_null());  // a spread of 0
  double inside = 0;
  for (size_t i = 0; i < run.rows; ++i)
    inside += run.values[i] >= learnt.low[i] && run.values[i] <= learnt.high[i];
  EXPECT_NEAR(inside / 2000, held_out_level, .03);
  EXPECT_NEAR(learnt.error[0], .4, .03);
}

TEST(LearningErrors, OfFewOrNoRowsSaysLittle) {
  FakeRun few(12);
  few.add_member(0, .4, 5);
  const LearntErrors learnt = few.learn();
  EXPECT_EQ(learnt.uncertainty.deterministic[0].rows, 12u);
  EXPECT_TRUE(std::isnan(learnt.error[0]));
  const auto target = nlohmann::json::parse(learnt.report).at("targets").at(0);
  EXPECT_FALSE(target.at("det").contains("calibrated"));
  FakeRun none(12);
  const LearntErrors nothing = none.learn();
  EXPECT_EQ(nothing.report, "");
  EXPECT_EQ(nothing.uncertainty.kind, Calibrated::none);
  EXPECT_TRUE(nothing.uncertainty.noise.any());  // MC predictions are possible
}

TEST(LearningErrors, LeavesOutWhatWasNotMeasured) {
  FakeRun run(100);
  for (size_t i = 0; i < 40; ++i) run.values[i] = NAN;
  run.add_member(0, .4, 5);
  const LearntErrors learnt = run.learn();
  EXPECT_EQ(learnt.uncertainty.deterministic[0].rows, 60u);
  EXPECT_TRUE(std::isnan(learnt.error[0]));
  EXPECT_TRUE(std::isfinite(learnt.error[99]));
}

TEST(McSettings, SayWhatTheyNeed) {
  const auto refusal = [](std::initializer_list<std::pair<const char*, const char*>> texts,
                          std::initializer_list<std::pair<const char*, double>> numbers) {
    Settings s;
    try {
      for (const auto& [name, value] : texts) s.set_text(name, value);
      for (const auto& [name, value] : numbers)
        name == std::string("no_dropout") || name == std::string("mc.T")
            ? s.set_i64(name, static_cast<int64_t>(value))
            : s.set_f64(name, value);
      s.validate();
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  const auto has = [](const std::string& text, const char* word) {
    return text.find(word) != std::string::npos;
  };
  EXPECT_TRUE(has(refusal({{"predict", "mc"}}, {}), "standard deviation 0"));
  EXPECT_TRUE(has(refusal({}, {{"mc.T", 50}}), "standard deviation 0"));
  EXPECT_TRUE(has(refusal({{"freeze.prefix", "none"}, {"predict", "mc"}}, {{"no_dropout", 1}}),
                  "no dropout"));
  EXPECT_EQ(refusal({{"freeze.prefix", "none"}, {"predict", "mc"}}, {{"mc.T", 50}}), "");
  EXPECT_EQ(refusal({{"predict", "auto"}}, {{"pooler_dropout", .2}}), "");
  EXPECT_TRUE(has(refusal({{"predict", "auto"}}, {{"pooler_dropout", .2}, {"valid_fraction", 0}}),
                  "holds nothing out"));
  EXPECT_TRUE(
      has(refusal({{"mc.calibrate", "affine"}}, {{"valid_fraction", 0}}), "holds nothing out"));
  EXPECT_EQ(refusal({{"mc.calibrate", "none"}}, {{"valid_fraction", 0}}), "");
}

TEST(DropoutRates, AreThoseOfTraining) {
  Settings s;
  s.set_f64("pooler_dropout", .2);
  EXPECT_FALSE(dropout_rates(s, 2, 0).in_encoder());
  EXPECT_EQ(dropout_rates(s, 2, 0).pooler, .2);
  s.set_text("freeze.prefix", "none");
  s.set_f64("attention_dropout", .3);
  const DropoutRates rates = dropout_rates(s, 2, 0);
  EXPECT_EQ(rates.attention, .3);
  EXPECT_EQ(rates.embedding, .1);
  EXPECT_EQ(rates.residual, .1);
  EXPECT_EQ(rates.activation, 0);
  EXPECT_EQ(rates.seed, 42u);
  EXPECT_EQ(dropout_rates(s, 2, 1).embedding, 0);
  EXPECT_EQ(dropout_rates(s, 2, 1).quiet_layers, 1);
  EXPECT_FALSE(dropout_rates(s, 2, 2).in_encoder());  // all layers are frozen and quiet
  s.set_i64("no_dropout", 1);
  EXPECT_FALSE(dropout_rates(s, 2, 0).any());
}

}  // namespace
}  // namespace molrt
