#include "report/statistics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "report/scale.h"

namespace molrt::report {
namespace {

using Values = std::vector<double>;

TEST(ReportScale, StepsAreRound) {
  EXPECT_DOUBLE_EQ(round_step(10, 5), 2);
  EXPECT_DOUBLE_EQ(round_step(11, 5), 5);
  EXPECT_DOUBLE_EQ(round_step(.013, 5), .005);
  EXPECT_DOUBLE_EQ(round_step(6e7, 6), 1e7);
  EXPECT_DOUBLE_EQ(round_step(0, 6), 1);
  EXPECT_DOUBLE_EQ(round_step(INFINITY, 6), 1);
}

TEST(ReportScale, EndsLandOnTheirPixels) {
  const Scale scale = {-2, 6, 100, 20};
  EXPECT_DOUBLE_EQ(scale.at(-2), 100);
  EXPECT_DOUBLE_EQ(scale.at(6), 20);
  EXPECT_DOUBLE_EQ(scale.at(2), 60);
}

TEST(ReportScale, TicksAreRoundAndInside) {
  EXPECT_EQ(ticks({-1.2, 1.2, 0, 1}, 6), (Values{-1, -.5, 0, .5, 1}));
  for (const double center : {0.0, 1e-9, 1e12, -3e37}) {  // beside which 1 is nothing, too
    const Scale scale = scale_over(center, center, 0, 1);
    EXPECT_LT(scale.low, scale.high);
    const Values values = ticks(scale, 6);
    EXPECT_GE(values.size(), 2u) << center;
    EXPECT_LE(values.size(), 8u) << center;
  }
  EXPECT_LE(ticks({1e12, 1e12 + 1e-4, 0, 1}, 6).size(), 8u);
}

TEST(ReportScale, Texts) {
  EXPECT_EQ(number_text(-0.5), "\u22120.5");
  EXPECT_EQ(number_text(-0.0), "0");
  EXPECT_EQ(number_text(123456), "1.235e+05");
  EXPECT_EQ(number_text(NAN), "undefined");
  EXPECT_EQ(count_text(0), "0");
  EXPECT_EQ(count_text(1234567), "1,234,567");
  EXPECT_EQ(percent_text(.954), "95.4 %");
  EXPECT_EQ(percent_text(.5), "50 %");
  EXPECT_EQ(percent_text(1), "100 %");
}

TEST(ReportStatistics, TheLineOfAShrunkenModel) {
  const Values x = {0, 1, 2, 3}, y = {.75, 1.25, 1.75, 2.25};
  const FittedLine line = fit_line(x, y);
  EXPECT_DOUBLE_EQ(line.slope, .5);
  EXPECT_DOUBLE_EQ(line.intercept, .75);
  EXPECT_TRUE(std::isnan(fit_line(Values{1, 1}, Values{1, 2}).slope));
  EXPECT_TRUE(std::isnan(fit_line({}, {}).slope));
}

TEST(ReportStatistics, BiasOfTheEndDeciles) {
  Values measured(20), predicted(20);
  for (size_t i = 0; i < 20; ++i) {
    measured[i] = static_cast<double>((i * 7) % 20);  // any order
    predicted[i] = .5 * measured[i] + 5;              // low too high, high too low
  }
  const EndBias bias = end_bias(measured, predicted);
  EXPECT_EQ(bias.count, 2u);
  EXPECT_DOUBLE_EQ(bias.lowest, 5 - .5 * .5);     // of 0 and 1
  EXPECT_DOUBLE_EQ(bias.highest, 5 - .5 * 18.5);  // of 18 and 19
  EXPECT_EQ(end_bias(Values{1}, Values{2}).count, 1u);
  EXPECT_TRUE(std::isnan(end_bias({}, {}).lowest));
}

TEST(ReportStatistics, AHistogramHasEveryValueOnce) {
  const Values values = {-1, -.5, 0, 0, .25, 3};
  const Histogram histogram = make_histogram(values, 10);
  EXPECT_DOUBLE_EQ(histogram.width, .5);
  EXPECT_DOUBLE_EQ(histogram.low, -1);
  EXPECT_EQ(histogram.counts, (std::vector<size_t>{1, 1, 3, 0, 0, 0, 0, 0, 1}));
  EXPECT_EQ(make_histogram(Values{2, 2, 2}, 10).counts, (std::vector<size_t>{3}));
  EXPECT_TRUE(make_histogram({}, 10).counts.empty());
}

TEST(ReportStatistics, GroupsOfOneSizeByRank) {
  const Values x = {4, 1, 3, 2, 5}, y = {0, 3, 0, -4, 2};
  const auto bins = bin_by_rank(x, y, 2);
  ASSERT_EQ(bins.size(), 2u);
  EXPECT_EQ(bins[0].count, 3u);  // 1, 2, 3
  EXPECT_DOUBLE_EQ(bins[0].x, std::sqrt(14 / 3.0));
  EXPECT_DOUBLE_EQ(bins[0].y, std::sqrt(25 / 3.0));
  EXPECT_EQ(bins[1].count, 2u);
  EXPECT_EQ(bin_by_rank(x, y, 100).size(), 5u);
  EXPECT_TRUE(bin_by_rank({}, {}, 3).empty());
}

TEST(ReportStatistics, FewPointsAreAllDrawnAndManyAreSampled) {
  Values order(1000), error(1000);
  std::iota(order.begin(), order.end(), 0.0);
  error[123] = -50;
  EXPECT_EQ(choose_points(order, error, 1000, 3).size(), 1000u);
  const auto chosen = choose_points(order, error, 100, 1);
  EXPECT_LE(chosen.size(), 101u);
  EXPECT_GE(chosen.size(), 100u);
  EXPECT_TRUE(std::is_sorted(chosen.begin(), chosen.end()));
  for (const size_t point : {0u, 123u, 999u})
    EXPECT_TRUE(std::binary_search(chosen.begin(), chosen.end(), point)) << point;
  EXPECT_EQ(chosen, choose_points(order, error, 100, 1));
}

TEST(ReportStatistics, LargestErrorsOfEitherSign) {
  EXPECT_EQ(largest_errors(Values{1, -3, 2, 3}, 3), (std::vector<size_t>{1, 3, 2}));
  EXPECT_EQ(largest_errors(Values{1}, 3), (std::vector<size_t>{0}));
}

// scikit-learn's example of roc_curve and precision_recall_curve.
const Values kTruth = {0, 0, 1, 1}, kScore = {.1, .4, .35, .8};

TEST(ReportStatistics, RocCurve) {
  const auto curve = roc_curve(kTruth, kScore);
  const std::vector<std::pair<double, double>> expected = {
      {0, 0}, {0, .5}, {.5, .5}, {.5, 1}, {1, 1}};
  ASSERT_EQ(curve.size(), expected.size());
  for (size_t i = 0; i < curve.size(); ++i) {
    EXPECT_DOUBLE_EQ(curve[i].x, expected[i].first);
    EXPECT_DOUBLE_EQ(curve[i].y, expected[i].second);
  }
  EXPECT_EQ(roc_curve(kTruth, Values{.5, .5, .5, .5}).size(), 2u);  // ties are one step
  EXPECT_TRUE(roc_curve(Values{1, 1}, Values{.1, .2}).empty());
}

TEST(ReportStatistics, PrecisionAndRecall) {
  const auto curve = precision_recall(kTruth, kScore);
  const std::vector<std::pair<double, double>> expected = {
      {.5, 1}, {.5, .5}, {1, 2 / 3.0}, {1, .5}};
  ASSERT_EQ(curve.size(), expected.size());
  for (size_t i = 0; i < curve.size(); ++i) {
    EXPECT_DOUBLE_EQ(curve[i].x, expected[i].first);
    EXPECT_DOUBLE_EQ(curve[i].y, expected[i].second);
  }
  EXPECT_TRUE(precision_recall(Values{0, 0}, Values{.1, .2}).empty());
}

TEST(ReportStatistics, CalibrationBins) {
  const auto bins = calibration_bins(Values{0, 1, 1, 1}, Values{.1, .12, 1, .95});
  ASSERT_EQ(bins.size(), 2u);
  EXPECT_DOUBLE_EQ(bins[0].score, .11);
  EXPECT_DOUBLE_EQ(bins[0].frequency, .5);
  EXPECT_EQ(bins[1].count, 2u);  // 1 is in the last bin
}

TEST(ReportStatistics, Confusion) {
  const std::vector<size_t> measured = {0, 1, 2, 2}, predicted = {0, 2, 2, 2};
  const std::vector<std::vector<size_t>> expected = {{1, 0, 0}, {0, 0, 1}, {0, 0, 2}};
  EXPECT_EQ(confusion(measured, predicted, 3), expected);
}

}  // namespace
}  // namespace molrt::report
