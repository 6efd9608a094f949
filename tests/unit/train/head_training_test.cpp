#include "train/head_training.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/error.h"
#include "base/philox.h"

namespace molrt {
namespace {

const double kNan = std::nan("");

// Representations with columns of very different means and scales, and targets that are noisy
// linear functions of them.
struct Sample {
  std::vector<float> x;
  std::vector<double> y;
  HeadTrainingData data;

  Sample(size_t rows, int width, int targets, double noise = .05)
      : x(rows * static_cast<size_t>(width)), y(rows * static_cast<size_t>(targets)) {
    const auto columns = static_cast<size_t>(width), count = static_cast<size_t>(targets);
    for (size_t i = 0; i < x.size(); ++i)
      x[i] = static_cast<float>(normal(1, i) * (1 + static_cast<double>(i % columns)) + 5);
    for (size_t i = 0; i < y.size(); ++i) {
      y[i] = 100 + noise * 10 * normal(2, i);
      for (size_t c = 0; c < columns; ++c)
        y[i] += 10 * normal(3, c * count + i % count) * (x[i / count * columns + c] - 5) /
                (1 + static_cast<double>(c)) / std::sqrt(width);
    }
    data.rows = rows;
    data.width = width;
    data.targets = targets;
    data.representations = x;
    data.values = y;
    for (int t = 0; t < targets; ++t) data.target_names.push_back(fmt::format("t{}", t));
  }
  static double normal(uint32_t stream, size_t i) {
    return random_normal(random_key(8, 0), stream, 0, 0, i);
  }
};

HeadTrainingResult train(const Sample& sample, const Settings& settings, int threads = 1) {
  return train_heads(sample.data, settings, {.threads = threads});
}

nlohmann::json report_of(const HeadTrainingResult& result) {
  return nlohmann::json::parse(result.report);
}

Settings quick(const char* head = "linear") {
  Settings settings;
  settings.set_text("head", head);
  settings.set_i64("epochs", 60);
  settings.set_f64("lr", .01);
  return settings;
}

Settings ridge() {
  Settings settings;
  settings.set_text("solver", "ridge");
  return settings;
}

std::string data_error(const Sample& sample, const Settings& settings) {
  try {
    train(sample, settings);
  } catch (const Error& error) {
    EXPECT_EQ(error.status(), MOLRT_ERROR_DATA);
    return error.what();
  }
  return "no error";
}

void expect_data_error(const Sample& sample, const Settings& settings, const std::string& part) {
  const std::string text = data_error(sample, settings);
  EXPECT_NE(text.find(part), std::string::npos) << text;
}

class Solvers : public testing::TestWithParam<const char*> {
 protected:
  static Settings settings() {
    return std::string(GetParam()) == "ridge" ? ridge() : quick(GetParam());
  }
};

TEST_P(Solvers, LearnAndReportHeldOutErrors) {
  const Sample sample(300, 12, 2);
  const auto result = train(sample, settings());
  const auto report = report_of(result);
  EXPECT_EQ(report["rows"]["used"], 300);
  EXPECT_EQ(report["folds"][0]["held_out_rows"], 30);
  for (const auto& target : report["held_out"]) {
    EXPECT_EQ(target["n"], 30);
    EXPECT_LT(target["rmse"], .35 * target["mean_rmse"].get<double>());
    EXPECT_GT(target["r2"], .88);
    EXPECT_LT(target["mean_r2"], .01);
  }
}

TEST_P(Solvers, StoredHeadsGiveTheHeldOutPredictions) {
  const Sample sample(90, 12, 2);
  Settings s = settings();
  s.set_i64("folds", 3);
  const auto result = train(sample, s);
  ASSERT_EQ(result.folds.size(), 3u);
  size_t matches = 0;
  for (size_t row = 0; row < 90; ++row)
    for (const TrainedHead& fold : result.folds) {
      float out[2];
      head_forward(fold.head, sample.x.data() + row * 12, 1, out);
      matches +=
          static_cast<float>(fold.scalers[1].inverse(out[1])) == result.held_out[row * 2 + 1];
    }
  EXPECT_EQ(matches, 90u);
}

TEST_P(Solvers, GiveTheSameBytesForAnyNumberOfThreads) {
  const Sample sample(80, 9, 2);
  Settings s = settings();
  s.set_i64("folds", 5);
  const auto one = train(sample, s, 1);
  for (const int threads : {2, 4}) {
    const auto many = train(sample, s, threads);
    EXPECT_EQ(one.report, many.report);
    EXPECT_EQ(std::memcmp(one.held_out.data(), many.held_out.data(), 160 * sizeof(float)), 0);
    for (size_t fold = 0; fold < 5; ++fold)
      EXPECT_EQ(one.folds[fold].head.out_weight, many.folds[fold].head.out_weight);
  }
}

TEST_P(Solvers, LeaveUnusableRowsOutAndCountThem) {
  Sample sample(100, 8, 2);
  sample.y[0] = kNan;                   // row 0 keeps its second target
  sample.y[10] = sample.y[11] = kNan;   // row 5 has none
  sample.x[7 * 8 + 3] = std::nanf("");  // row 7 failed
  Settings s = settings();
  s.set_i64("folds", 2);
  const auto result = train(sample, s);
  const auto report = report_of(result);
  EXPECT_EQ(report["rows"], (nlohmann::json{{"total", 100},
                                            {"used", 98},
                                            {"without_target", 1},
                                            {"failed", 1},
                                            {"outside_split", 0}}));
  EXPECT_EQ(report["held_out"][0]["n"], 97);
  EXPECT_EQ(report["held_out"][1]["n"], 98);
  for (size_t row = 0; row < 100; ++row)
    EXPECT_EQ(std::isnan(result.held_out[row * 2]), row == 5 || row == 7) << row;
}

INSTANTIATE_TEST_SUITE_P(Each, Solvers, testing::Values("linear", "pooled", "ridge"));

TEST(HeadTraining, HeldOutLabelsDoNotReachTheFit) {
  Sample sample(60, 6, 1);
  Settings s = ridge();
  s.set_i64("folds", 3);
  const auto before = train(sample, s);
  size_t row = 0;  // a row that fold 0 holds out
  for (; row < 60; ++row) {
    float out;
    head_forward(before.folds[0].head, sample.x.data() + row * 6, 1, &out);
    if (static_cast<float>(before.folds[0].scalers[0].inverse(out)) == before.held_out[row]) break;
  }
  sample.y[row] += 1000;
  const auto after = train(sample, s);
  EXPECT_EQ(before.folds[0].head.out_weight, after.folds[0].head.out_weight);
  EXPECT_EQ(before.folds[0].scalers[0].mean, after.folds[0].scalers[0].mean);
  EXPECT_NE(before.folds[1].scalers[0].mean, after.folds[1].scalers[0].mean);
}

TEST(HeadTraining, EarlyStoppingKeepsTheBestEpoch) {
  const Sample sample(60, 40, 1, 2);  // few rows, much noise: it overfits
  Settings s = quick();
  s.set_i64("epochs", 400);
  s.set_i64("patience", 10);
  s.set_f64("valid_fraction", .3);
  std::vector<double> losses;
  const auto progress = [&](const TrainingProgress& p) {
    if (p.epoch_done) losses.push_back(p.valid_loss);
    return false;
  };
  const auto result = train_heads(sample.data, s, {.progress = progress});
  const auto fold = report_of(result)["folds"][0];
  const auto best = std::min_element(losses.begin(), losses.end());
  EXPECT_EQ(fold["epochs"], losses.size());
  EXPECT_LT(losses.size(), 400u);
  EXPECT_EQ(fold["best_epoch"], best - losses.begin() + 1);
  EXPECT_EQ(losses.size(), static_cast<size_t>(best - losses.begin()) + 11);
  EXPECT_EQ(fold["valid_loss"], *best);
  EXPECT_TRUE(report_of(result)["early_stopping_on_held_out"]);

  s.set_i64("patience", 0);
  const auto last = report_of(train(sample, s));
  EXPECT_EQ(last["folds"][0]["best_epoch"], 400);
  EXPECT_FALSE(last["early_stopping_on_held_out"]);
}

TEST(HeadTraining, PoolerDropoutRunsAsSet) {
  const Sample sample(80, 10, 1);
  Settings s = quick();
  const auto without = train(sample, s);
  s.set_f64("pooler_dropout", 0);
  EXPECT_EQ(train(sample, s).folds[0].head.out_weight, without.folds[0].head.out_weight);
  s.set_f64("pooler_dropout", .5);
  const auto with = train(sample, s);
  EXPECT_NE(with.folds[0].head.out_weight, without.folds[0].head.out_weight);
  EXPECT_EQ(report_of(with)["settings"]["pooler_dropout"], .5);
}

TEST(HeadTraining, WithoutHeldOutRowsThereAreNoMetrics) {
  const Sample sample(40, 6, 1);
  Settings s = quick();
  s.set_f64("valid_fraction", 0);
  const auto result = train(sample, s);
  const auto report = report_of(result);
  EXPECT_EQ(report["held_out"][0]["n"], 0);
  EXPECT_TRUE(report["held_out"][0]["rmse"].is_null());
  EXPECT_TRUE(report["folds"][0]["valid_loss"].is_null());
  EXPECT_FALSE(report["early_stopping_on_held_out"]);
  for (const float value : result.held_out) EXPECT_TRUE(std::isnan(value));
}

TEST(HeadTraining, MoreColumnsThanRowsWorks) {
  const Sample sample(30, 64, 1);
  EXPECT_TRUE(
      std::isfinite(report_of(train(sample, ridge()))["held_out"][0]["rmse"].get<double>()));
  EXPECT_TRUE(
      std::isfinite(report_of(train(sample, quick()))["held_out"][0]["rmse"].get<double>()));
}

TEST(HeadTraining, ProgressCountsTheEpochsOfAllFoldsOnTheCallingThread) {
  const Sample sample(60, 6, 1);
  Settings s = quick();
  s.set_i64("epochs", 5);
  s.set_i64("patience", 0);
  s.set_i64("folds", 4);
  const auto caller = std::this_thread::get_id();
  uint64_t calls = 0;
  std::vector<int> epochs(4);
  train_heads(sample.data, s,
              {.threads = 2, .progress = [&](const TrainingProgress& p) {
                 EXPECT_EQ(std::this_thread::get_id(), caller);
                 if (!p.epoch_done) return false;
                 EXPECT_EQ(p.done, ++calls);
                 EXPECT_EQ(p.total, 20u);
                 EXPECT_EQ(p.folds, 4);
                 EXPECT_EQ(p.epochs, 5);
                 EXPECT_EQ(p.epoch, ++epochs[static_cast<size_t>(p.fold)]);
                 EXPECT_TRUE(std::isfinite(p.train_loss) && std::isfinite(p.valid_loss));
                 return false;
               }});
  EXPECT_EQ(calls, 20u);
}

int32_t status_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.status();
  }
  return MOLRT_OK;
}

TEST(HeadTraining, StopsWhenAsked) {
  const Sample sample(60, 6, 1);
  Settings s = quick();
  s.set_i64("folds", 3);
  for (const int threads : {1, 3}) {
    int calls = 0;
    const auto stop = [&](const TrainingProgress& p) { return p.epoch_done && ++calls == 2; };
    const auto best = train_heads(sample.data, s, {.threads = threads, .progress = stop});
    EXPECT_TRUE(best.interrupted);
    EXPECT_GE(best.folds.size(), 1u);
    EXPECT_EQ(calls, 2);
    const auto cancelled = [] { return true; };
    EXPECT_EQ(status_of([&] {
                train_heads(sample.data, s, {.threads = threads, .cancelled = cancelled});
              }),
              MOLRT_ERROR_CANCELLED);
  }
}

// In the first epoch, or in ridge's reading of the rows: before any progress is told.
TEST(HeadTraining, StopsWithinAnEpoch) {
  const Sample sample(600, 6, 1);
  for (const Settings& s : {quick(), ridge()}) {
    int polls = 0;
    const auto told = [](const TrainingProgress& p) {
      EXPECT_FALSE(p.epoch_done);
      return false;
    };
    const auto cancelled = [&] { return ++polls == 7; };
    EXPECT_EQ(
        status_of([&] { train_heads(sample.data, s, {.progress = told, .cancelled = cancelled}); }),
        MOLRT_ERROR_CANCELLED);
    EXPECT_EQ(polls, 7);
  }
}

TEST(HeadTraining, UselessLabelsAreNamed) {
  Sample infinite(20, 4, 2);
  infinite.y[2 * 6 + 1] = INFINITY;
  expect_data_error(infinite, ridge(), "row 7: target 't1' is infinite");
  infinite.y[2 * 6 + 1] = 1e39;
  expect_data_error(infinite, ridge(), "row 7: target 't1' is 1e+39, beyond float32");

  Sample constant(20, 4, 2);
  for (size_t i = 1; i < 40; i += 2) constant.y[i] = .1;
  expect_data_error(constant, quick(), "target 't1' is constant in the training rows");

  Sample sparse(20, 4, 2);
  for (size_t i = 3; i < 40; i += 2) sparse.y[i] = kNan;
  Settings folds = quick();
  folds.set_i64("folds", 2);
  expect_data_error(sparse, folds, "target 't1'");
  expect_data_error(sparse, folds, "of 2");

  Sample empty(20, 4, 1);
  std::fill(empty.y.begin(), empty.y.end(), kNan);
  expect_data_error(empty, ridge(), "of 20 rows 20 have no target value");

  Settings many = ridge();
  many.set_i64("folds", 21);
  expect_data_error(Sample(20, 4, 1), many, "21 folds need at least 21 different molecules");
}

TEST(HeadTraining, DivergenceIsNamed) {
  Sample sample(40, 4, 1);
  for (float& x : sample.x) x *= 1e30f;
  for (double& y : sample.y) y *= 1e30;
  Settings s = quick();
  s.set_text("target_scaling", "none");
  s.set_i64("standardise", 0);
  expect_data_error(sample, s, "training diverged");
}

TEST(HeadTraining, CalibratesAmongTheSeedsOfAFold) {
  const Sample sample(60, 4, 1);
  Settings settings = quick();
  settings.set_i64("seeds", 2);
  settings.set_i64("folds", 3);
  const HeadTrainingResult folds = train(sample, settings);
  EXPECT_EQ(folds.folds.size(), 6u);
  EXPECT_TRUE(folds.uncertainty.between);
  EXPECT_EQ(folds.uncertainty.folds, 3);
  settings.set_i64("refit", 1);
  const HeadTrainingResult refit = train(sample, settings);
  EXPECT_EQ(refit.folds.size(), 2u);
  EXPECT_EQ(refit.uncertainty.folds, 1);
}

}  // namespace
}  // namespace molrt
