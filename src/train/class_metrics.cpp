#include "train/class_metrics.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace molrt {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
using Values = std::span<const double>;

std::vector<size_t> ascending_order(Values values) {
  std::vector<size_t> order(values.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return values[a] < values[b]; });
  return order;
}

size_t end_of_equal(Values values, const std::vector<size_t>& order, size_t first) {
  size_t last = first;
  while (last < order.size() && values[order[last]] == values[order[first]]) ++last;
  return last;
}

// Members of a class, and the scores that should be larger for them.
struct OneClass {
  std::vector<bool> member;
  std::vector<double> score;
  size_t members() const {
    return static_cast<size_t>(std::count(member.begin(), member.end(), true));
  }
};

OneClass one_class(const Outcomes& rows, size_t of_class) {
  const size_t k = rows.classes;
  OneClass result;
  for (size_t i = 0; i < rows.measured.size(); ++i) {
    result.member.push_back(rows.measured[i] == static_cast<double>(of_class));
    result.score.push_back(rows.predicted[i * k + (k == 1 ? 0 : of_class)]);
  }
  return result;
}

// Mann-Whitney's U over the pairs: the area under the ROC curve, ties counted half.
double area_under_roc(const OneClass& one) {
  const auto n = static_cast<double>(one.member.size()), m = static_cast<double>(one.members());
  if (m == 0 || m == n) return nan;
  const std::vector<double> ranks = mean_ranks(one.score);
  double sum = 0;
  for (size_t i = 0; i < ranks.size(); ++i) sum += one.member[i] ? ranks[i] : 0;
  return (sum - m * (m + 1) / 2) / (m * (n - m));
}

// The sum over thresholds of (rise of recall) * precision.
double average_precision(const OneClass& one) {
  const auto members = static_cast<double>(one.members());
  if (members == 0) return nan;
  std::vector<double> negated(one.score.size());
  std::transform(one.score.begin(), one.score.end(), negated.begin(), std::negate<>());
  const auto order = ascending_order(negated);
  double area = 0, hits = 0;
  for (size_t first = 0, last; first < order.size(); first = last) {
    last = end_of_equal(negated, order, first);
    double here = 0;
    for (size_t i = first; i < last; ++i) here += one.member[order[i]];
    hits += here;
    area += here / members * hits / static_cast<double>(last);
  }
  return area;
}

// Over the classes for which it is defined.
template <typename Of>
double mean_over_classes(const Outcomes& rows, const Of& of) {
  if (rows.classes == 1) return of(one_class(rows, 1));
  double sum = 0, count = 0;
  for (size_t c = 0; c < rows.classes; ++c) {
    const OneClass one = one_class(rows, c);
    if (one.members() == 0 || one.members() == one.member.size()) continue;
    sum += of(one);
    count += 1;
  }
  return count == 0 ? nan : sum / count;
}

std::vector<size_t> predicted_classes(const Outcomes& rows, double threshold = .5) {
  std::vector<size_t> classes;
  for (size_t i = 0; i < rows.measured.size(); ++i) {
    const double* row = rows.predicted.data() + i * rows.classes;
    classes.push_back(rows.classes == 1
                          ? *row > threshold
                          : static_cast<size_t>(std::max_element(row, row + rows.classes) - row));
  }
  return classes;
}

// How often each class was measured, predicted, and both.
struct Confusion {
  std::vector<double> measured, predicted, both;
  double rows = 0;
  double right() const { return std::accumulate(both.begin(), both.end(), 0.0); }
};

Confusion confusion(const Outcomes& rows, double threshold = .5) {
  const std::vector<size_t> predicted = predicted_classes(rows, threshold);
  const size_t classes = std::max<size_t>(rows.classes, 2);
  Confusion c{std::vector<double>(classes), std::vector<double>(classes),
              std::vector<double>(classes), static_cast<double>(predicted.size())};
  for (size_t i = 0; i < predicted.size(); ++i) {
    const auto measured = static_cast<size_t>(rows.measured[i]);
    ++c.measured[measured];
    ++c.predicted[predicted[i]];
    if (measured == predicted[i]) ++c.both[measured];
  }
  return c;
}

double f1_of(const Confusion& c, size_t of_class) {
  const double sum = c.measured[of_class] + c.predicted[of_class];
  return sum == 0 ? 0 : 2 * c.both[of_class] / sum;
}

double f1(const Outcomes& rows) {
  if (rows.classes == 1) return f1_above(rows, .5);
  const Confusion c = confusion(rows);
  double sum = 0, count = 0;
  for (size_t k = 0; k < rows.classes; ++k) {
    if (c.measured[k] + c.predicted[k] == 0) continue;
    sum += f1_of(c, k);
    count += 1;
  }
  return sum / count;
}

// Gorodkin's R_K; with two classes Matthews' phi.
double matthews(const Confusion& c) {
  const auto dot = [](const auto& a, const auto& b) {
    return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
  };
  const double n2 = c.rows * c.rows;
  const double product = (n2 - dot(c.measured, c.measured)) * (n2 - dot(c.predicted, c.predicted));
  if (product == 0) return 0;
  return (c.right() * c.rows - dot(c.measured, c.predicted)) / std::sqrt(product);
}

double log_loss(const Outcomes& rows) {
  static constexpr double eps = std::numeric_limits<float>::epsilon();
  const auto clipped = [](double p) { return std::clamp(p, eps, 1 - eps); };
  double sum = 0;
  for (size_t i = 0; i < rows.measured.size(); ++i) {
    const auto label = static_cast<size_t>(rows.measured[i]);
    const double* row = rows.predicted.data() + i * rows.classes;
    if (rows.classes == 1) {
      const double p = clipped(*row);
      sum -= std::log(label == 1 ? p : 1 - p);
      continue;
    }
    double total = 0;
    for (size_t k = 0; k < rows.classes; ++k) total += clipped(row[k]);
    sum -= std::log(clipped(row[label]) / total);
  }
  return sum / static_cast<double>(rows.measured.size());
}

}  // namespace

std::vector<double> mean_ranks(std::span<const double> values) {
  const auto order = ascending_order(values);
  std::vector<double> ranks(values.size());
  for (size_t first = 0, last; first < order.size(); first = last) {
    last = end_of_equal(values, order, first);
    for (size_t i = first; i < last; ++i)
      ranks[order[i]] = static_cast<double>(first + last + 1) / 2;
  }
  return ranks;
}

double f1_above(const Outcomes& rows, double threshold) {
  return f1_of(confusion(rows, threshold), 1);
}

double class_metric(Metric metric, const Outcomes& rows) {
  switch (metric) {
    case Metric::auroc:
      return mean_over_classes(rows, area_under_roc);
    case Metric::auprc:
      return mean_over_classes(rows, average_precision);
    case Metric::accuracy:
      return confusion(rows).right() / static_cast<double>(rows.measured.size());
    case Metric::f1:
      return f1(rows);
    case Metric::mcc:
      return matthews(confusion(rows));
    default:
      return log_loss(rows);
  }
}

}  // namespace molrt
