#include "train/target_scaling.h"

#include <algorithm>
#include <boost/math/tools/minima.hpp>
#include <cmath>
#include <limits>

#include "base/error.h"

namespace molrt {
namespace {

using Values = std::vector<double>;

struct Moments {
  double mean = 0, variance = 0, skew = 0, kurtosis = 0;  // biased; excess kurtosis
};

Moments moments(const Values& y) {
  const auto n = static_cast<double>(y.size());
  Moments m;
  for (const double v : y) m.mean += v / n;
  double third = 0, fourth = 0;
  for (const double v : y) {
    const double d = v - m.mean;
    m.variance += d * d / n;
    third += d * d * d / n;
    fourth += d * d * d * d / n;
  }
  m.skew = third / std::pow(m.variance, 1.5);
  m.kurtosis = fourth / (m.variance * m.variance) - 3;
  return m;
}

TargetScaler standardised(const Values& y, TargetScaler scaler = {}) {
  const Moments m = moments(y);
  scaler.mean = m.mean;
  scaler.scale = std::sqrt(m.variance);
  return scaler;
}

// numpy.percentile's linear interpolation, rounded as there (equal values make a step of the
// quantiles, and a last bit decides on which side of it they lie); `sorted` ascending, p in [0, 1].
double quantile_of(const Values& sorted, double p) {
  const double at = p * 100 / 100 * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<size_t>(at);
  const double low = sorted[below], high = sorted[std::min(below + 1, sorted.size() - 1)];
  const double part = at - static_cast<double>(below);
  return part >= .5 ? high - (high - low) * (1 - part) : low + (high - low) * part;
}

TargetScaler robust(Values y) {
  std::sort(y.begin(), y.end());
  TargetScaler scaler;
  scaler.mean = quantile_of(y, .5);
  scaler.scale = quantile_of(y, .75) - quantile_of(y, .25);
  if (scaler.scale == 0) scaler.scale = 1;
  return scaler;
}

TargetScaler minmax(const Values& y) {
  const auto [low, high] = std::minmax_element(y.begin(), y.end());
  TargetScaler scaler;
  scaler.mean = *low;
  scaler.scale = *high - *low;
  return scaler;
}

TargetScaler quantiles(Values y) {
  std::sort(y.begin(), y.end());
  TargetScaler scaler;
  scaler.kind = ScalerKind::quantile;
  const size_t count = std::min<size_t>(y.size(), 1000);
  const double step = 1 / static_cast<double>(count - 1);  // as numpy.linspace
  for (size_t i = 0; i < count; ++i) {
    scaler.references.push_back(i + 1 == count ? 1 : static_cast<double>(i) * step);
    scaler.quantiles.push_back(quantile_of(y, scaler.references.back()));
    if (i > 0)  // rounding must not make them fall
      scaler.quantiles[i] = std::max(scaler.quantiles[i], scaler.quantiles[i - 1]);
  }
  return scaler;
}

Values transformed(const Values& y, double lambda) {
  TargetScaler scaler;
  scaler.kind = ScalerKind::yeo_johnson;
  scaler.lambda = lambda;
  Values z(y.size());
  std::transform(y.begin(), y.end(), z.begin(), [&](double v) { return scaler.scaled(v); });
  return z;
}

// Minus the profile log-likelihood of a normal distribution behind the transform, without
// constants; infinite where the transform overflows or makes all values one.
double misfit(const Values& y, double log_slopes, double lambda) {
  const double variance = moments(transformed(y, lambda)).variance;
  if (!(variance > std::numeric_limits<double>::min()) || !std::isfinite(variance))
    return std::numeric_limits<double>::infinity();
  return static_cast<double>(y.size()) / 2 * std::log(variance) - (lambda - 1) * log_slopes;
}

// The likelihood has one maximum: the bracket grows around it, then Brent's method closes in.
double best_lambda(const Values& y) {
  double log_slopes = 0;
  for (const double v : y) log_slopes += std::copysign(std::log1p(std::abs(v)), v);
  const auto f = [&](double lambda) { return misfit(y, log_slopes, lambda); };
  double width = 3;
  while (width < 100 && (f(1 - width) < f(1 - width / 2) || f(1 + width) < f(1 + width / 2)))
    width *= 2;
  return boost::math::tools::brent_find_minima(f, 1 - width, 1 + width, 40).first;
}

TargetScaler power(const Values& y) {
  TargetScaler scaler;
  scaler.kind = ScalerKind::yeo_johnson;
  scaler.lambda = best_lambda(y);
  return standardised(transformed(y, scaler.lambda), scaler);
}

TargetScaler log1p(double smallest, const std::string& name) {
  if (!(smallest > -1))
    fail(MOLRT_ERROR_DATA,
         "target '{}' cannot be scaled by log1p, which needs values above -1: the smallest is {}",
         name, smallest);
  TargetScaler scaler;
  scaler.kind = ScalerKind::log1p;
  return scaler;
}

bool is_skewed(const Values& y) {
  const Moments m = moments(y);
  return std::abs(m.skew) > 5 || std::abs(m.kurtosis) > 20;
}

TargetScaler fit(TargetScaling scaling, Values y, double smallest, const std::string& name) {
  switch (scaling) {
    case TargetScaling::none:
      return {};
    case TargetScaling::standard:
      return standardised(y);
    case TargetScaling::robust:
      return robust(std::move(y));
    case TargetScaling::log1p:
      return log1p(smallest, name);
    case TargetScaling::power:
      return power(y);
    case TargetScaling::quantile:
      return quantiles(std::move(y));
    case TargetScaling::minmax:
      return minmax(y);
    case TargetScaling::automatic:
      break;
  }
  return smallest > -1 && is_skewed(y) ? log1p(smallest, name) : standardised(y);
}

}  // namespace

TargetScaling target_scaling(std::string_view name) {
  static constexpr std::string_view names[] = {"none",  "standard", "robust", "log1p",
                                               "power", "quantile", "minmax", "auto"};
  const auto* found = std::find(std::begin(names), std::end(names), name);
  return static_cast<TargetScaling>(found - std::begin(names));
}

TargetScaler fit_target(TargetScaling scaling, std::vector<double> values, double smallest,
                        const std::string& name) {
  TargetScaler scaler = fit(scaling, std::move(values), smallest, name);
  if (const std::string fault = scaler_fault(scaler); !fault.empty())
    fail(MOLRT_ERROR_DATA, "target '{}' cannot be scaled: that gives {}", name, fault);
  return scaler;
}

}  // namespace molrt
