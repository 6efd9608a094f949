#include "train/metrics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace molrt {
namespace {

// Numbers of scikit-learn 1.2: mean_squared_error, mean_absolute_error, r2_score of
// [3, -.5, 2, 7] and [2.5, 0, 2, 8].
TEST(Metrics, MatchScikitLearn) {
  const std::vector<double> y{3, -.5, 2, 7, std::nan(""), 1}, f{2.5, 0, 2, 8, 5, std::nan("")};
  const Metrics metrics = evaluate_metrics(y, f);
  EXPECT_EQ(metrics.n, 4u);
  EXPECT_NEAR(metrics.rmse, .6123724356957945, 1e-15);
  EXPECT_NEAR(metrics.mae, .5, 1e-15);
  EXPECT_NEAR(metrics.r2, .9486081370449679, 1e-15);
}

TEST(Metrics, R2IsUndefinedForOneOrEqualValues) {
  const std::vector<double> one{3}, equal{2, 2};
  EXPECT_TRUE(std::isnan(evaluate_metrics(one, one).r2));
  EXPECT_EQ(evaluate_metrics(one, one).rmse, 0);
  EXPECT_TRUE(std::isnan(evaluate_metrics(equal, equal).r2));
  const std::vector<double> none{std::nan("")};
  EXPECT_EQ(evaluate_metrics(none, one).n, 0u);
  EXPECT_TRUE(std::isnan(evaluate_metrics(none, one).rmse));
}

}  // namespace
}  // namespace molrt
