#include "train/metrics.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "train/class_metrics.h"

namespace molrt {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
using Values = std::span<const double>;

double mean_of(Values x) {
  double sum = 0;
  for (const double v : x) sum += v;
  return sum / static_cast<double>(x.size());
}

double mean_squared_error(Values y, Values f) {
  double sum = 0;
  for (size_t i = 0; i < y.size(); ++i) sum += (y[i] - f[i]) * (y[i] - f[i]);
  return sum / static_cast<double>(y.size());
}

double mean_absolute_error(Values y, Values f) {
  double sum = 0;
  for (size_t i = 0; i < y.size(); ++i) sum += std::abs(y[i] - f[i]);
  return sum / static_cast<double>(y.size());
}

double r2(Values y, Values f) {
  const double mean = mean_of(y);
  double total = 0;
  for (const double v : y) total += (v - mean) * (v - mean);
  const auto n = static_cast<double>(y.size());
  return y.size() > 1 && total > 0 ? 1 - n * mean_squared_error(y, f) / total : nan;
}

bool constant(Values x) {
  return std::all_of(x.begin(), x.end(), [&](double v) { return v == x[0]; });
}

double pearson(Values a, Values b) {
  if (a.size() < 2 || constant(a) || constant(b)) return nan;
  const double mean_a = mean_of(a), mean_b = mean_of(b);
  double aa = 0, bb = 0, ab = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    const double x = a[i] - mean_a, y = b[i] - mean_b;
    aa += x * x, bb += y * y, ab += x * y;
  }
  return std::clamp(ab / (std::sqrt(aa) * std::sqrt(bb)), -1.0, 1.0);
}

double spearman(Values a, Values b) { return pearson(mean_ranks(a), mean_ranks(b)); }

double of_values(Metric metric, Values y, Values f) {
  switch (metric) {
    case Metric::mse:
      return mean_squared_error(y, f);
    case Metric::rmse:
      return std::sqrt(mean_squared_error(y, f));
    case Metric::mae:
      return mean_absolute_error(y, f);
    case Metric::r2:
      return r2(y, f);
    case Metric::pearson:
      return pearson(y, f);
    default:
      return spearman(y, f);
  }
}

}  // namespace

std::span<const Metric> metrics_of(Task task) {
  static constexpr std::array values = {Metric::mse, Metric::rmse,    Metric::mae,
                                        Metric::r2,  Metric::pearson, Metric::spearman};
  static constexpr std::array classes = {Metric::auroc, Metric::auprc, Metric::accuracy,
                                         Metric::f1,    Metric::mcc,   Metric::logloss};
  return is_classification(task) ? std::span<const Metric>(classes) : values;
}

const char* metric_name(Metric metric) {
  static constexpr const char* names[] = {"mse",   "rmse",  "mae",      "r2", "pearson", "spearman",
                                          "auroc", "auprc", "accuracy", "f1", "mcc",     "logloss"};
  return names[static_cast<size_t>(metric)];
}

bool higher_is_better(Metric metric) { return metric >= Metric::r2 && metric != Metric::logloss; }

Outcomes complete_rows(const Outcomes& outcomes) {
  const size_t k = outcomes.classes;
  Outcomes complete{{}, {}, k};
  for (size_t i = 0; i < outcomes.measured.size(); ++i) {
    const Values row(outcomes.predicted.data() + i * k, k);
    const auto missing = [](double v) { return std::isnan(v); };
    if (missing(outcomes.measured[i]) || std::any_of(row.begin(), row.end(), missing)) continue;
    complete.measured.push_back(outcomes.measured[i]);
    complete.predicted.insert(complete.predicted.end(), row.begin(), row.end());
  }
  return complete;
}

double evaluate_metric(Metric metric, const Outcomes& outcomes) {
  const Outcomes rows = complete_rows(outcomes);
  if (rows.measured.empty()) return nan;
  if (metric < Metric::auroc) return of_values(metric, rows.measured, rows.predicted);
  return class_metric(metric, rows);
}

double best_threshold(const Outcomes& outcomes, size_t steps) {
  const Outcomes rows = complete_rows(outcomes);
  if (rows.measured.empty()) return nan;
  const auto [low, high] = std::minmax_element(rows.predicted.begin(), rows.predicted.end());
  double best = nan, best_f1 = -1;
  for (size_t i = 0; i < steps; ++i) {
    const double part = static_cast<double>(i) / static_cast<double>(steps - 1);
    const double threshold = i + 1 == steps ? *high : *low + part * (*high - *low);
    if (const double f1 = f1_above(rows, threshold); f1 > best_f1) best_f1 = f1, best = threshold;
  }
  return best;
}

}  // namespace molrt
