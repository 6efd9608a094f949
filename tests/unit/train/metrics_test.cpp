#include "train/metrics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "train/class_metrics.h"

namespace molrt {
namespace {

const double kNan = std::nan("");

TEST(Metrics, PairsWithoutOneSideDoNotCount) {
  const Outcomes rows{{3, -.5, 2, 7, kNan, 1}, {2.5, 0, 2, 8, 5, kNan}};
  EXPECT_EQ(complete_rows(rows).measured.size(), 4u);
  EXPECT_NEAR(evaluate_metric(Metric::rmse, rows), .6123724356957945, 1e-15);
  EXPECT_NEAR(evaluate_metric(Metric::r2, rows), .9486081370449679, 1e-15);
}

TEST(Metrics, ARowOfClassesNeedsAllItsProbabilities) {
  const Outcomes rows{{0, 1}, {.2, .8, .3, kNan}, 2};
  EXPECT_EQ(complete_rows(rows).measured.size(), 1u);
  EXPECT_EQ(evaluate_metric(Metric::accuracy, rows), 0);
}

TEST(Metrics, WithoutRowsNothingIsDefined) {
  const Outcomes none{{kNan}, {1}};
  for (const Task task : {Task::regression, Task::binary})
    for (const Metric metric : metrics_of(task))
      EXPECT_TRUE(std::isnan(evaluate_metric(metric, none))) << metric_name(metric);
  EXPECT_TRUE(std::isnan(best_threshold(none)));
}

TEST(Metrics, R2AndCorrelationsNeedTwoDifferentValues) {
  for (const Outcomes& rows : {Outcomes{{3}, {3}}, Outcomes{{2, 2}, {1, 3}}})
    for (const Metric metric : {Metric::r2, Metric::pearson, Metric::spearman})
      EXPECT_TRUE(std::isnan(evaluate_metric(metric, rows))) << metric_name(metric);
  EXPECT_EQ(evaluate_metric(Metric::rmse, {{3}, {3}}), 0);
}

TEST(Metrics, EqualValuesShareTheirRank) {
  EXPECT_EQ(mean_ranks(std::vector<double>{5, 1, 5, 0}), (std::vector<double>{3.5, 2, 3.5, 1}));
}

TEST(Metrics, KnowWhichWayIsBetter) {
  for (const Metric metric : {Metric::mse, Metric::rmse, Metric::mae, Metric::logloss})
    EXPECT_FALSE(higher_is_better(metric));
  for (const Metric metric : {Metric::r2, Metric::pearson, Metric::spearman, Metric::auroc,
                              Metric::auprc, Metric::accuracy, Metric::f1, Metric::mcc})
    EXPECT_TRUE(higher_is_better(metric));
}

TEST(Metrics, ThresholdsSeparateWhatCanBeSeparated) {
  const Outcomes rows{{0, 0, 1, 1, kNan}, {.1, .2, .3, .31, .9}};
  const double threshold = best_threshold(rows);
  EXPECT_TRUE(threshold >= .2 && threshold < .3) << threshold;
  EXPECT_EQ(f1_above(complete_rows(rows), threshold), 1);
}

}  // namespace
}  // namespace molrt
