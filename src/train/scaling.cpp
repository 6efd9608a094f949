#include "train/scaling.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"

namespace molrt {
namespace {

// A representation's rounding errors are some 1e-6 of its values.
constexpr double constant_column = 1e-5;

double relative_factor(double mean, double deviation) {
  return deviation > constant_column * std::abs(mean) ? 1 / deviation : 0;
}

std::vector<double> column_means(std::span<const float> x, size_t width,
                                 std::span<const size_t> rows) {
  std::vector<double> means(width);
  for (const size_t row : rows)
    for (size_t i = 0; i < width; ++i) means[i] += x[row * width + i];
  for (double& mean : means) mean /= static_cast<double>(rows.size());
  return means;
}

std::vector<double> column_variances(std::span<const float> x, const std::vector<double>& means,
                                     std::span<const size_t> rows) {
  const size_t width = means.size();
  std::vector<double> variances(width);
  for (const size_t row : rows)
    for (size_t i = 0; i < width; ++i) {
      const double deviation = x[row * width + i] - means[i];
      variances[i] += deviation * deviation;
    }
  for (double& variance : variances) variance /= static_cast<double>(rows.size());
  return variances;
}

std::vector<double> labels_of(std::span<const double> values, size_t targets, size_t target,
                              std::span<const size_t> rows) {
  std::vector<double> labels;
  for (const size_t row : rows)
    if (const double value = values[row * targets + target]; !std::isnan(value))
      labels.push_back(value);
  return labels;
}

void check_labels(const std::vector<double>& labels, const std::string& name,
                  const std::string& where) {
  if (labels.empty()) fail(MOLRT_ERROR_DATA, "target '{}' has no value in {}", name, where);
  const auto [low, high] = std::minmax_element(labels.begin(), labels.end());
  if (*low == *high)
    fail(MOLRT_ERROR_DATA, "target '{}' is constant in {}: its {} value(s) are all {}", name, where,
         labels.size(), *low);
}

// Of all rows, NaN if none has one.
double smallest_label(std::span<const double> values, size_t targets, size_t target) {
  double smallest = std::numeric_limits<double>::quiet_NaN();
  for (size_t i = target; i < values.size(); i += targets)
    smallest = std::fmin(smallest, values[i]);
  return smallest;
}

}  // namespace

void ColumnScaler::apply(const float* x, float* z) const {
  for (size_t i = 0; i < mean.size(); ++i) z[i] = (x[i] - mean[i]) * factor[i];
}

ColumnScaler identity_columns(int width) {
  const auto n = static_cast<size_t>(width);
  return {std::vector<float>(n, 0.f), std::vector<float>(n, 1.f)};
}

ColumnScaler fit_columns(std::span<const float> x, int width, std::span<const size_t> rows) {
  const auto means = column_means(x, static_cast<size_t>(width), rows);
  const auto variances = column_variances(x, means, rows);
  ColumnScaler scaler = identity_columns(width);
  for (size_t i = 0; i < means.size(); ++i) {
    scaler.mean[i] = static_cast<float>(means[i]);
    scaler.factor[i] = static_cast<float>(relative_factor(means[i], std::sqrt(variances[i])));
  }
  return scaler;
}

Head fold_columns_into(const ColumnScaler& columns, Head head) {
  const bool pooled = head.kind == HeadKind::pooled;
  auto& weight = pooled ? head.dense_weight : head.out_weight;
  auto& bias = pooled ? head.dense_bias : head.out_bias;
  const size_t width = columns.mean.size(), stride = static_cast<size_t>(head.width);
  for (size_t o = 0; o < bias.size(); ++o) {
    double shift = 0;
    for (size_t i = 0; i < width; ++i) {
      float& w = weight[o * stride + i];
      w *= columns.factor[i];
      shift += double{w} * columns.mean[i];
    }
    bias[o] = static_cast<float>(bias[o] - shift);
  }
  head.centre.resize(stride);  // what stands beside them is about 0
  for (size_t i = 0; i < width; ++i)
    head.centre[i] =
        columns.mean[i] + (columns.factor[i] == 0 ? 0 : head.centre[i] / columns.factor[i]);
  return head;
}

namespace {

std::vector<double> numbers_of(std::span<const float> beside, size_t inputs, size_t input,
                               std::span<const size_t> rows) {
  std::vector<double> numbers;
  for (const size_t row : rows)
    if (const float x = beside[row * inputs + input]; !std::isnan(x)) numbers.push_back(x);
  return numbers;
}

struct Moments {
  double mean = 0, deviation = 0;
};

Moments moments(const std::vector<double>& x) {
  const auto n = static_cast<double>(x.size());
  Moments m;
  for (const double v : x) m.mean += v / n;
  double variance = 0;
  for (const double v : x) variance += (v - m.mean) * (v - m.mean) / n;
  m.deviation = std::sqrt(variance);
  return m;
}

// Rounding errors in a constant's deviation.
bool is_constant(const Moments& m) { return !(m.deviation > 1e-12 * std::abs(m.mean)); }

}  // namespace

InputScaler fit_inputs(std::span<const float> beside, const HeadInputs& inputs,
                       std::span<const size_t> rows, const std::string& where) {
  InputScaler scaler;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const std::vector<double> numbers = numbers_of(beside, inputs.size(), i, rows);
    if (numbers.empty() && i < inputs.columns.size())
      fail(MOLRT_ERROR_DATA, "input column '{}' has no number in {}", inputs.columns[i], where);
    const Moments m = moments(numbers);
    scaler.mean.push_back(m.mean);
    scaler.factor.push_back(is_constant(m) ? 0 : 1 / m.deviation);
  }
  return scaler;
}

std::vector<TargetScaler> fit_targets(std::span<const double> values,
                                      const std::vector<std::string>& names,
                                      std::span<const size_t> rows, TargetScaling scaling,
                                      const std::string& where) {
  std::vector<TargetScaler> scalers;
  for (size_t target = 0; target < names.size(); ++target) {
    auto labels = labels_of(values, names.size(), target, rows);
    check_labels(labels, names[target], where);
    scalers.push_back(fit_target(scaling, std::move(labels),
                                 smallest_label(values, names.size(), target), names[target]));
  }
  return scalers;
}

}  // namespace molrt
