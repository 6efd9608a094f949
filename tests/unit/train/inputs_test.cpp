// What stands beside the representation, and several conformers, in training a head.
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/philox.h"
#include "train/fold.h"
#include "train/head_training.h"

namespace molrt {
namespace {

const float kNan = std::nanf("");

double normal(uint32_t stream, size_t i) {
  return random_normal(random_key(12, 0), stream, 0, 0, i);
}

// Targets that depend on one column of the representation and on the two inputs beside it.
struct Table {
  static constexpr size_t width = 4, inputs = 2;
  std::vector<float> x, beside;
  std::vector<double> y;
  HeadTrainingData data;

  explicit Table(size_t rows, size_t conformers = 1) {
    for (size_t r = 0; r < rows; ++r) {
      for (size_t k = 0; k < conformers; ++k)
        for (size_t c = 0; c < width; ++c)
          x.push_back(static_cast<float>(normal(1, r * width + c) +
                                         .1 * normal(4, (r * conformers + k) * width + c)));
      const double temperature = 300 + 20 * normal(2, r), ph = 7 + normal(3, r);
      beside.insert(beside.end(), {static_cast<float>(temperature), static_cast<float>(ph)});
      y.push_back(normal(1, r * width) + .1 * (temperature - 300) - ph);
    }
    data.rows = rows;
    data.width = width;
    data.targets = 1;
    data.conformers = ConformerTable(std::vector<size_t>(rows, conformers));
    data.representations = x;
    data.inputs.columns = {"T", "pH"};
    data.beside = beside;
    data.values = y;
    data.target_names = {"y"};
  }
};

Settings settings(const char* kind) {
  Settings s;
  if (std::string(kind) == "ridge") {
    s.set_text("solver", "ridge");
    return s;
  }
  s.set_text("head", kind);
  s.set_i64("epochs", 80);
  s.set_f64("lr", .01);
  return s;
}

double held_out_rmse(const HeadTrainingResult& result) {
  return nlohmann::json::parse(result.report)["held_out"][0]["rmse"];
}

HeadTrainingResult train(const Table& table, const Settings& s, int threads = 1) {
  return train_heads(table.data, s, {.threads = threads});
}

class InputSolvers : public testing::TestWithParam<const char*> {};

TEST_P(InputSolvers, LearnFromWhatStandsBesideTheRepresentation) {
  Table with(400), without(400);
  without.data.inputs = {};
  without.data.beside = {};
  const double rmse = held_out_rmse(train(with, settings(GetParam())));
  EXPECT_LT(rmse, .35);
  EXPECT_GT(held_out_rmse(train(without, settings(GetParam()))), 1.5);
}

// The head as a formula: [CLS | (x - mean) / sd within 10], means over the conformers in double.
TEST_P(InputSolvers, StoredHeadsGiveTheHeldOutPredictions) {
  Table table(120, 3);
  table.beside[2 * 7] = kNan;
  Settings s = settings(GetParam());
  s.set_i64("folds", 3);
  const auto result = train(table, s);
  size_t matches = 0;
  for (size_t row = 0; row < 120; ++row)
    for (const TrainedHead& fold : result.folds) {
      double mean = 0;
      for (size_t k = 0; k < 3; ++k) {
        std::vector<float> input(table.x.begin() + (row * 3 + k) * 4,
                                 table.x.begin() + (row * 3 + k + 1) * 4);
        for (size_t i = 0; i < 2; ++i) {
          const double x = table.beside[row * 2 + i];
          const double z = (x - fold.inputs.mean[i]) * fold.inputs.factor[i];
          input.push_back(std::isnan(x) ? 0 : static_cast<float>(z));
        }
        float out = 0;
        head_forward(fold.head, input.data(), 1, &out);
        mean += out;
      }
      const auto value = static_cast<float>(fold.scalers[0].inverse(mean / 3));
      matches += value == result.held_out[row];
    }
  EXPECT_EQ(matches, 120u);
}

TEST_P(InputSolvers, GiveTheSameBytesForAnyNumberOfThreads) {
  const Table table(90, 2);
  Settings s = settings(GetParam());
  s.set_i64("folds", 3);
  const auto one = train(table, s), four = train(table, s, 4);
  EXPECT_EQ(one.held_out, four.held_out);
  EXPECT_EQ(one.report, four.report);
}

INSTANTIATE_TEST_SUITE_P(Each, InputSolvers, testing::Values("linear", "pooled", "ridge"));

TEST(TrainingInputs, HeadsKeepTheRepresentationsWidthInside) {
  const Table table(60);
  const auto result = train(table, settings("pooled"));
  const Head& head = result.folds[0].head;
  EXPECT_EQ(head.width, 6);
  EXPECT_EQ(head.hidden, 4);
  EXPECT_EQ(head.dense_weight.size(), 24u);
  EXPECT_EQ(head.out_weight.size(), 4u);
}

TEST(TrainingInputs, AreScaledByTheTrainingRowsNumbers) {
  const float beside[] = {1, 5, 3, 5, kNan, 5, 100, 6};
  HeadInputs inputs;
  inputs.columns = {"a", "b"};
  const size_t rows[] = {0, 1, 2};  // not the last one
  const InputScaler scaler = fit_inputs(beside, inputs, rows, "here");
  EXPECT_EQ(scaler.mean, (std::vector<double>{2, 5}));
  EXPECT_EQ(scaler.factor, (std::vector<double>{1, 0}));  // b is constant
  float z[2];
  scaler.apply(std::span(beside).subspan(6, 2), z);
  EXPECT_EQ(z[0], 10);  // 98 standard deviations
  EXPECT_EQ(z[1], 0);
  scaler.apply(std::span(beside).subspan(4, 2), z);
  EXPECT_EQ(z[0], 0);  // missing
}

TEST(TrainingInputs, AColumnWithoutNumbersIsAnError) {
  Table table(40);
  for (size_t row = 0; row < 40; ++row) table.beside[2 * row + 1] = kNan;
  try {
    train(table, settings("linear"));
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_EQ(error.status(), MOLRT_ERROR_DATA);
    EXPECT_NE(
        std::string(error.what()).find("input column 'pH' has no number in the training rows"),
        std::string::npos)
        << error.what();
  }
}

TEST(TrainingConformers, EveryOneIsSeen) {
  // Whichever conformer an epoch takes, the head learns the mean's dependence.
  Table table(200, 5);
  const double several = held_out_rmse(train(table, settings("linear")));
  Table one(200);
  EXPECT_LT(several, 1.2 * held_out_rmse(train(one, settings("linear"))));
  const auto a = train(table, settings("linear"));
  table.x[5 * 4 * 3 + 4 * 4] += 1;  // the last conformer of row 3
  table.data.representations = table.x;
  EXPECT_NE(train(table, settings("linear")).held_out, a.held_out);
}

}  // namespace
}  // namespace molrt
