#include "train/scaling.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"

namespace molrt {
namespace {

TEST(TargetScaling, UsesTheGivenRowsOnlyAndThePopulationDeviation) {
  const double nan = std::nan("");
  const std::vector<double> values{1, 10, nan, 20, 3, nan, 1000, 1000};
  const std::vector<size_t> rows{0, 1, 2};
  const auto scalers = fit_targets(values, {"a", "b"}, rows, TargetScaling::standard, "here");
  EXPECT_DOUBLE_EQ(scalers[0].mean, 2);
  EXPECT_DOUBLE_EQ(scalers[0].scale, 1);
  EXPECT_DOUBLE_EQ(scalers[1].mean, 15);
  EXPECT_DOUBLE_EQ(scalers[1].scale, 5);
  EXPECT_DOUBLE_EQ(scalers[1].inverse(scalers[1].scaled(7)), 7);
  EXPECT_EQ(fit_targets(values, {"a", "b"}, rows, TargetScaling::none, "here")[1].scale, 1);
}

void expect_data_error(const std::vector<double>& values, const std::string& part) {
  const std::vector<size_t> rows{0, 1};
  for (const TargetScaling scale : {TargetScaling::power, TargetScaling::none}) {
    try {
      fit_targets(values, {"alpha", "beta"}, rows, scale, "fold 3");
      FAIL() << "no error";
    } catch (const Error& error) {
      EXPECT_EQ(error.status(), MOLRT_ERROR_DATA);
      EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
    }
  }
}

TEST(TargetScaling, ConstantAndAbsentTargetsAreNamed) {
  expect_data_error({1, .1, 2, .1, 3, 7}, "target 'beta' is constant in fold 3");
  expect_data_error({1, std::nan(""), 2, std::nan(""), 3, 7},
                    "target 'beta' has no value in fold 3");
}

TEST(ColumnScaling, StandardisesRowsAndLeavesConstantColumnsOut) {
  const std::vector<float> x{1, 5, 3, 5.000001f, 50, 9};  // [3, 2]
  const std::vector<size_t> rows{0, 1};
  const ColumnScaler columns = fit_columns(x, 2, rows);
  float z[2];
  columns.apply(x.data(), z);
  EXPECT_FLOAT_EQ(z[0], -1);
  EXPECT_EQ(z[1], 0);
  columns.apply(x.data() + 2, z);
  EXPECT_FLOAT_EQ(z[0], 1);
}

TEST(ColumnScaling, FoldsIntoEitherHead) {
  const std::vector<float> x{1, 5, 30, 3, 6, 20, 5, 4, 27};  // [3, 3]
  const std::vector<size_t> rows{0, 1, 2};
  const ColumnScaler columns = fit_columns(x, 3, rows);
  for (const HeadKind kind : {HeadKind::linear, HeadKind::pooled}) {
    Head head = initialised_head(kind, 3, 2, 1, 0);
    for (auto tensor : parameters(head))
      for (float& w : tensor) w = 10 * w + .1f;
    const Head folded = fold_columns_into(columns, head);
    for (const size_t row : rows) {
      float z[3], scaled[2], raw[2];
      columns.apply(x.data() + row * 3, z);
      head_forward(head, z, 1, scaled);
      head_forward(folded, x.data() + row * 3, 1, raw);
      EXPECT_NEAR(raw[0], scaled[0], 1e-5);
      EXPECT_NEAR(raw[1], scaled[1], 1e-5);
    }
  }
}

// A head to go on with, whose columns stay as they are, keeps what dropout leaves of them.
TEST(ColumnScaling, KeepsTheCentreOfAHead) {
  Head head = initialised_head(HeadKind::linear, 4, 1, 1, 0);
  head.centre = {1, 2, 3, 0};
  EXPECT_EQ(fold_columns_into(identity_columns(3), head).centre, head.centre);
  head.centre.clear();
  EXPECT_EQ(fold_columns_into({{5, 6, 7}, {2, 0, 4}}, head).centre,
            (std::vector<float>{5, 6, 7, 0}));
}

}  // namespace
}  // namespace molrt
