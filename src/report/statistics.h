#pragma once
// What the pictures of a report show, as numbers. Values are finite unless said otherwise, and come
// in pairs of the same length.
#include <cstddef>
#include <span>
#include <vector>

namespace molrt::report {

// Least squares of y = intercept + slope x; NaN with fewer than two different x.
struct FittedLine {
  double slope, intercept;
};
FittedLine fit_line(std::span<const double> x, std::span<const double> y);

// The mean error (predicted - measured) of the tenth with the lowest and of the tenth with the
// highest measured values, each of max(1, round(n / 10)) pairs, ties by their order. NaN without
// any.
struct EndBias {
  double lowest, highest;
  size_t count;  // pairs in each
};
EndBias end_bias(std::span<const double> measured, std::span<const double> predicted);

// Counts in bins of one width between round numbers; the last bin has its upper edge too.
struct Histogram {
  double low = 0, width = 1;
  std::vector<size_t> counts;
};
Histogram make_histogram(std::span<const double> values, int bins);

// Pairs in order of x, in groups of as equal a size as can be (the first ones larger), at most
// `groups`: the root of the mean of x^2 and of y^2 in each.
struct BinnedPair {
  double x, y;
  size_t count;
};
std::vector<BinnedPair> bin_by_rank(std::span<const double> x, std::span<const double> y,
                                    size_t groups);

// Which of n points to draw, ascending: all up to `most`; else about `most`, evenly by the rank of
// `order` (its ends included), and the `keep` with the largest |error|.
std::vector<size_t> choose_points(std::span<const double> order, std::span<const double> error,
                                  size_t most, size_t keep);

// The indices of the `count` largest |error|, largest first, ties by their order.
std::vector<size_t> largest_errors(std::span<const double> error, size_t count);

// ---- classes: `score` is the probability of class 1, `truth` 0 or 1
struct Point {
  double x, y;
};
// From (0, 0) to (1, 1), a point for each different score: false against true positive rate. Empty
// unless both classes are there. Areas of equal scores are straight lines.
std::vector<Point> roc_curve(std::span<const double> truth, std::span<const double> score);
// Recall against precision, from the highest score on, as scikit-learn's precision_recall_curve
// without its last point (0, 1). Empty without class 1.
std::vector<Point> precision_recall(std::span<const double> truth, std::span<const double> score);

// Reliability: scores in ten bins of one width; empty ones are left out.
struct CalibrationBin {
  double score, frequency;  // the mean score, the part that is class 1
  size_t count;
};
std::vector<CalibrationBin> calibration_bins(std::span<const double> truth,
                                             std::span<const double> score);

// [measured][predicted] counts of classes 0 ... classes-1.
std::vector<std::vector<size_t>> confusion(std::span<const size_t> measured,
                                           std::span<const size_t> predicted, size_t classes);

}  // namespace molrt::report
