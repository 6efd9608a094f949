#include "model/target_scaler.h"

#include <algorithm>
#include <boost/math/distributions/normal.hpp>
#include <cmath>
#include <limits>

namespace molrt {
namespace {

constexpr double epsilon = std::numeric_limits<double>::epsilon();  // scikit-learn's np.spacing(1)
constexpr double quantile_bounds = 1e-7;                            // its BOUNDS_THRESHOLD

double yeo_johnson(double x, double lambda) {
  if (x >= 0)
    return std::abs(lambda) < epsilon ? std::log1p(x) : (std::pow(x + 1, lambda) - 1) / lambda;
  return std::abs(lambda - 2) > epsilon ? -(std::pow(1 - x, 2 - lambda) - 1) / (2 - lambda)
                                        : -std::log1p(-x);
}

double yeo_johnson_inverse(double x, double lambda) {
  if (x >= 0)
    return std::abs(lambda) < epsilon ? std::expm1(x) : std::pow(x * lambda + 1, 1 / lambda) - 1;
  return std::abs(lambda - 2) > epsilon ? 1 - std::pow(1 - (2 - lambda) * x, 1 / (2 - lambda))
                                        : -std::expm1(-x);
}

double box_cox(double x, double lambda) {
  if (!(x > 0)) return NAN;
  return lambda == 0 ? std::log(x) : std::expm1(lambda * std::log(x)) / lambda;
}

double box_cox_inverse(double x, double lambda) {
  return lambda == 0 ? std::exp(x) : std::pow(x * lambda + 1, 1 / lambda);
}

double normal_cdf(double x) { return 0.5 * std::erfc(-x / std::sqrt(2.0)); }

// The clipping keeps what is beyond the quantiles finite.
double normal_quantile(double p) {
  const boost::math::normal_distribution<double> normal;
  const double bound = quantile_bounds - epsilon;
  return boost::math::quantile(normal, std::clamp(p, bound, 1 - bound));
}

// numpy.interp: x(i) not falling, y(i) beside it; of equal x the last one counts.
template <typename X, typename Y>
double interpolate(double at, size_t count, const X& x, const Y& y) {
  size_t above = 0, end = count;  // the first x greater than `at`
  while (above < end) {
    const size_t middle = above + (end - above) / 2;
    if (x(middle) <= at) {
      above = middle + 1;
    } else {
      end = middle;
    }
  }
  if (above == 0) return y(0);
  if (above == count) return y(count - 1);
  const double slope = (y(above) - y(above - 1)) / (x(above) - x(above - 1));
  return slope * (at - x(above - 1)) + y(above - 1);
}

double interpolate(double at, const std::vector<double>& x, const std::vector<double>& y) {
  return interpolate(
      at, x.size(), [&](size_t i) { return x[i]; }, [&](size_t i) { return y[i]; });
}

// From above, so that of equal x the first one counts.
double interpolate_down(double at, const std::vector<double>& x, const std::vector<double>& y) {
  const size_t last = x.size() - 1;
  return -interpolate(
      -at, x.size(), [&](size_t i) { return -x[last - i]; },
      [&](size_t i) { return -y[last - i]; });
}

double quantile_scaled(const TargetScaler& s, double value) {
  const bool normal = s.output == QuantileOutput::normal;
  const double margin = normal ? quantile_bounds : 0;
  double p = (interpolate(value, s.quantiles, s.references) +
              interpolate_down(value, s.quantiles, s.references)) /
             2;
  if (normal ? value + margin > s.quantiles.back() : value == s.quantiles.back()) p = 1;
  if (normal ? value - margin < s.quantiles.front() : value == s.quantiles.front()) p = 0;
  return normal ? normal_quantile(p) : p;
}

double quantile_inverse(const TargetScaler& s, double scaled) {
  const bool normal = s.output == QuantileOutput::normal;
  const double p = normal ? normal_cdf(scaled) : scaled;
  if (normal && p - quantile_bounds < 0) return s.quantiles.front();
  if (normal && p + quantile_bounds > 1) return s.quantiles.back();
  return interpolate(p, s.references, s.quantiles);
}

bool finite_and_rising(const std::vector<double>& values) {
  return std::all_of(values.begin(), values.end(), [](double v) { return std::isfinite(v); }) &&
         std::is_sorted(values.begin(), values.end());
}

}  // namespace

double TargetScaler::scaled(double value) const {
  if (std::isnan(value)) return value;
  switch (kind) {
    case ScalerKind::linear:
      return (value - mean) / scale;
    case ScalerKind::log1p:
      return std::log1p(value);
    case ScalerKind::yeo_johnson:
      return (yeo_johnson(value, lambda) - mean) / scale;
    case ScalerKind::box_cox:
      return (box_cox(value, lambda) - mean) / scale;
    case ScalerKind::quantile:
      return quantile_scaled(*this, value);
  }
  return NAN;
}

double TargetScaler::inverse(double scaled) const {
  if (std::isnan(scaled)) return scaled;
  switch (kind) {
    case ScalerKind::linear:
      return scaled * scale + mean;
    case ScalerKind::log1p:
      return std::expm1(scaled);
    case ScalerKind::yeo_johnson:
      return yeo_johnson_inverse(scaled * scale + mean, lambda);
    case ScalerKind::box_cox:
      return box_cox_inverse(scaled * scale + mean, lambda);
    case ScalerKind::quantile:
      return quantile_inverse(*this, scaled);
  }
  return NAN;
}

const char* scaler_name(ScalerKind kind) {
  switch (kind) {
    case ScalerKind::linear:
      return "linear";
    case ScalerKind::log1p:
      return "log1p";
    case ScalerKind::yeo_johnson:
      return "yeo_johnson";
    case ScalerKind::box_cox:
      return "box_cox";
    case ScalerKind::quantile:
      return "quantile";
  }
  return "";
}

const char* scaler_fault(const TargetScaler& s) {
  if (!std::isfinite(s.mean) || !std::isfinite(s.lambda))
    return "a mean or lambda that is not finite";
  if (!(s.scale > 0) || !std::isfinite(s.scale)) return "a scale that is not positive";
  if (s.kind != ScalerKind::quantile) return "";
  if (s.quantiles.empty() || s.quantiles.size() != s.references.size())
    return "no quantiles, or not as many references";
  if (!finite_and_rising(s.quantiles) || !finite_and_rising(s.references))
    return "quantiles or references that are not finite or fall";
  return "";
}

}  // namespace molrt
