#include <gtest/gtest.h>

#include <filesystem>

#include "base/error.h"
#include "base/philox.h"
#include "support/temporary.h"
#include "train/checkpoint.h"
#include "train/head_training.h"

namespace molrt {
namespace {

using nlohmann::json;

struct Sample {
  std::vector<float> x;
  std::vector<double> y;
  HeadTrainingData data;
  Sample() {
    data.rows = 50;
    data.width = 6;
    data.targets = 1;
    data.target_names = {"y"};
    for (size_t i = 0; i < 300; ++i)
      x.push_back(static_cast<float>(random_normal(random_key(3, 0), 0, 0, 0, i)));
    for (size_t row = 0; row < 50; ++row) y.push_back(x[6 * row] - 2 * x[6 * row + 3]);
    data.representations = x;
    data.values = y;
  }
};

Settings all_state() {  // everything that a loop remembers
  Settings s;
  s.set_i64("epochs", 12);
  s.set_i64("batch_size", 8);
  s.set_i64("folds", 2);
  s.set_i64("seeds", 2);
  s.set_i64("refit", 1);
  s.set_i64("patience", 4);
  s.set_f64("ema.beta", .9);
  s.set_f64("pooler_dropout", .2);
  return s;
}

void expect_same(const HeadTrainingResult& a, const HeadTrainingResult& b) {
  ASSERT_EQ(a.folds.size(), b.folds.size());
  for (size_t i = 0; i < a.folds.size(); ++i) {
    EXPECT_EQ(a.folds[i].head.dense_weight, b.folds[i].head.dense_weight);
    EXPECT_EQ(a.folds[i].head.out_weight, b.folds[i].head.out_weight);
    EXPECT_EQ(a.folds[i].head.out_bias, b.folds[i].head.out_bias);
  }
  EXPECT_EQ(a.report, b.report);
}

// Stopped at every so many polls, each time by a new process' memory.
TEST(TrainingCheckpoint, ResumedRunsEndInTheSameBytes) {
  const Sample sample;
  const Settings settings = all_state();
  const auto whole = train_heads(sample.data, settings, {});
  for (const int polls : {45, 67, 100}) {
    const test::TemporaryDirectory directory;
    const std::string path = directory.path("run");
    HeadTrainingResult result;
    int runs = 0;
    for (bool over = false; !over; ++runs) {
      Checkpoint checkpoint(path, {{"run", {{"a", 1}}}}, true);
      int left = polls;
      const auto cancelled = [&] { return left-- <= 0; };
      try {
        result =
            train_heads(sample.data, settings, {.cancelled = cancelled, .checkpoint = &checkpoint});
        over = !result.interrupted;
      } catch (const Error& error) {
        ASSERT_EQ(error.status(), MOLRT_ERROR_CANCELLED);
      }
      ASSERT_LT(runs, 1000);
    }
    EXPECT_GT(runs, 3);
    expect_same(result, whole);
  }
}

TEST(TrainingCheckpoint, AnotherRunIsNamed) {
  const test::TemporaryDirectory directory;
  const json facts = {{"settings", {{"lr", .1}, {"epochs", 3}}}};
  { Checkpoint first(directory.path("run"), facts, false); }
  EXPECT_FALSE(std::filesystem::exists(directory.path("run")));  // it kept nothing
  {
    Checkpoint second(directory.path("run"), facts, false);
    second.save_part(0, {{{"t", make_tensor({1}, {1})}}, {{"k", 1}}});
  }
  { Checkpoint same(directory.path("run"), facts, true); }
  try {
    Checkpoint other(directory.path("run"), {{"settings", {{"lr", .2}, {"epochs", 3}}}}, true);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.status(), MOLRT_ERROR_INVALID_ARGUMENT);
    EXPECT_NE(std::string(error.what()).find("settings: lr was 0.1, is now 0.2"), std::string::npos)
        << error.what();
  }
}

TEST(TrainingCheckpoint, TwoProcessesCannotShareIt) {
  const test::TemporaryDirectory directory;
  Checkpoint first(directory.path("run"), {}, false);
  EXPECT_THROW(Checkpoint(directory.path("run"), {}, true), Error);
}

TEST(TrainingCheckpoint, StartsOverAndCleansUpBehindItself) {
  const test::TemporaryDirectory directory;
  const std::string path = directory.path("run");
  std::vector<float> values{1, 2};
  const CheckpointState state{{{"t", make_tensor({2}, values)}}, {{"k", 1}}};
  {
    Checkpoint checkpoint(path, {{"a", 1}}, false);
    checkpoint.save_part(3, state);
    EXPECT_EQ(checkpoint.part(3)->facts, state.facts);
    checkpoint.finish(3, state);
    EXPECT_FALSE(checkpoint.part(3));
    EXPECT_EQ(to_f32(checkpoint.finished(3)->tensors.at("t")), values);
  }
  {
    Checkpoint again(path, {{"a", 2}}, false);
    EXPECT_FALSE(again.finished(3));
    again.save_part(0, state);
  }
  EXPECT_THROW(Checkpoint(path, {{"a", 3}}, true), Error);  // and lets go of the directory
  EXPECT_TRUE(Checkpoint(path, {{"a", 2}}, true).part(0));
  Checkpoint::remove(path);
  EXPECT_FALSE(std::filesystem::exists(path));
}

}  // namespace
}  // namespace molrt
