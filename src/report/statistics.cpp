#include "report/statistics.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "report/scale.h"

namespace molrt::report {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

std::vector<size_t> ranked(std::span<const double> values) {
  std::vector<size_t> order(values.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return values[a] < values[b]; });
  return order;
}

double mean_of(std::span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

double mean_error(std::span<const size_t> rows, std::span<const double> measured,
                  std::span<const double> predicted) {
  double sum = 0;
  for (const size_t i : rows) sum += predicted[i] - measured[i];
  return sum / static_cast<double>(rows.size());
}

// Calls step(score, positives, negatives) for each different score, from the highest on, with what
// is at or above it.
template <typename Step>
void descend(std::span<const double> truth, std::span<const double> score, const Step& step) {
  const std::vector<size_t> order = ranked(score);
  size_t positives = 0, negatives = 0;
  for (size_t k = order.size(); k-- > 0;) {
    ++(truth[order[k]] > .5 ? positives : negatives);
    if (k == 0 || score[order[k - 1]] != score[order[k]]) step(positives, negatives);
  }
}

size_t count_positives(std::span<const double> truth) {
  return static_cast<size_t>(
      std::count_if(truth.begin(), truth.end(), [](double t) { return t > .5; }));
}

double ratio(size_t part, size_t whole) {
  return static_cast<double>(part) / static_cast<double>(whole);
}

}  // namespace

FittedLine fit_line(std::span<const double> x, std::span<const double> y) {
  if (x.empty()) return {nan, nan};
  const double mean_x = mean_of(x), mean_y = mean_of(y);
  double square = 0, product = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    square += (x[i] - mean_x) * (x[i] - mean_x);
    product += (x[i] - mean_x) * (y[i] - mean_y);
  }
  if (!(square > 0)) return {nan, nan};
  return {product / square, mean_y - product / square * mean_x};
}

EndBias end_bias(std::span<const double> measured, std::span<const double> predicted) {
  if (measured.empty()) return {nan, nan, 0};
  const std::vector<size_t> order = ranked(measured);
  const size_t tenth = std::max<size_t>(1, (order.size() + 5) / 10);
  const std::span all(order);
  return {mean_error(all.first(tenth), measured, predicted),
          mean_error(all.last(tenth), measured, predicted), tenth};
}

Histogram make_histogram(std::span<const double> values, int bins) {
  Histogram histogram;
  if (values.empty()) return histogram;
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  histogram.width = round_step(*high - *low, bins);
  histogram.low = std::floor(*low / histogram.width) * histogram.width;
  const auto bin_of = [&](double value) {
    return static_cast<size_t>(std::max(0.0, (value - histogram.low) / histogram.width));
  };
  histogram.counts.resize(bin_of(*high) + 1);
  for (const double value : values) ++histogram.counts[bin_of(value)];
  return histogram;
}

std::vector<BinnedPair> bin_by_rank(std::span<const double> x, std::span<const double> y,
                                    size_t groups) {
  const std::vector<size_t> order = ranked(x);
  groups = std::min(groups, order.size());
  std::vector<BinnedPair> bins;
  for (size_t g = 0, begin = 0; g < groups; ++g) {
    const size_t count = order.size() / groups + (g < order.size() % groups);
    double sum_x = 0, sum_y = 0;
    for (const size_t i : std::span(order).subspan(begin, count)) {
      sum_x += x[i] * x[i];
      sum_y += y[i] * y[i];
    }
    const auto n = static_cast<double>(count);
    bins.push_back({std::sqrt(sum_x / n), std::sqrt(sum_y / n), count});
    begin += count;
  }
  return bins;
}

std::vector<size_t> choose_points(std::span<const double> order, std::span<const double> error,
                                  size_t most, size_t keep) {
  const std::vector<size_t> by_rank = ranked(order);
  if (by_rank.size() <= most) {
    std::vector<size_t> all(by_rank.size());
    std::iota(all.begin(), all.end(), size_t{0});
    return all;
  }
  std::vector<size_t> chosen = largest_errors(error, keep);
  for (size_t k = 0; k < most; ++k)
    chosen.push_back(by_rank[k * (by_rank.size() - 1) / std::max<size_t>(most - 1, 1)]);
  std::sort(chosen.begin(), chosen.end());
  chosen.erase(std::unique(chosen.begin(), chosen.end()), chosen.end());
  return chosen;
}

std::vector<size_t> largest_errors(std::span<const double> error, size_t count) {
  std::vector<size_t> order(error.size());
  std::iota(order.begin(), order.end(), size_t{0});
  count = std::min(count, order.size());
  std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(count), order.end(),
                    [&](size_t a, size_t b) {
                      const double left = std::abs(error[a]), right = std::abs(error[b]);
                      return left != right ? left > right : a < b;
                    });
  order.resize(count);
  return order;
}

std::vector<Point> roc_curve(std::span<const double> truth, std::span<const double> score) {
  const size_t positives = count_positives(truth), negatives = truth.size() - positives;
  if (positives == 0 || negatives == 0) return {};
  std::vector<Point> curve = {{0, 0}};
  descend(truth, score, [&](size_t true_positives, size_t false_positives) {
    curve.push_back({ratio(false_positives, negatives), ratio(true_positives, positives)});
  });
  return curve;
}

std::vector<Point> precision_recall(std::span<const double> truth, std::span<const double> score) {
  const size_t positives = count_positives(truth);
  if (positives == 0) return {};
  std::vector<Point> curve;
  descend(truth, score, [&](size_t true_positives, size_t false_positives) {
    curve.push_back({ratio(true_positives, positives),
                     ratio(true_positives, true_positives + false_positives)});
  });
  return curve;
}

std::vector<CalibrationBin> calibration_bins(std::span<const double> truth,
                                             std::span<const double> score) {
  std::vector<CalibrationBin> bins(10, {0, 0, 0});
  for (size_t i = 0; i < score.size(); ++i) {
    CalibrationBin& bin = bins[static_cast<size_t>(std::clamp(score[i] * 10, 0.0, 9.0))];
    bin.score += score[i];
    bin.frequency += truth[i];
    ++bin.count;
  }
  std::erase_if(bins, [](const CalibrationBin& bin) { return bin.count == 0; });
  for (CalibrationBin& bin : bins) {
    bin.score /= static_cast<double>(bin.count);
    bin.frequency /= static_cast<double>(bin.count);
  }
  return bins;
}

std::vector<std::vector<size_t>> confusion(std::span<const size_t> measured,
                                           std::span<const size_t> predicted, size_t classes) {
  std::vector<std::vector<size_t>> counts(classes, std::vector<size_t>(classes));
  for (size_t i = 0; i < measured.size(); ++i) ++counts[measured[i]][predicted[i]];
  return counts;
}

}  // namespace molrt::report
