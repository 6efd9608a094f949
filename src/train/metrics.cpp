#include "train/metrics.h"

#include <cmath>
#include <limits>

namespace molrt {
namespace {

struct Sums {
  size_t n = 0;
  double measured = 0, squared = 0, absolute = 0;
};

bool both(double a, double b) { return !std::isnan(a) && !std::isnan(b); }

Sums add_up(std::span<const double> measured, std::span<const double> predicted) {
  Sums sums;
  for (size_t i = 0; i < measured.size(); ++i) {
    if (!both(measured[i], predicted[i])) continue;
    const double error = predicted[i] - measured[i];
    ++sums.n;
    sums.measured += measured[i];
    sums.squared += error * error;
    sums.absolute += std::abs(error);
  }
  return sums;
}

double total_sum_of_squares(std::span<const double> measured, std::span<const double> predicted,
                            double mean) {
  double sum = 0;
  for (size_t i = 0; i < measured.size(); ++i)
    if (both(measured[i], predicted[i])) sum += (measured[i] - mean) * (measured[i] - mean);
  return sum;
}

}  // namespace

Metrics evaluate_metrics(std::span<const double> measured, std::span<const double> predicted) {
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  const Sums sums = add_up(measured, predicted);
  if (sums.n == 0) return {0, nan, nan, nan};
  const auto n = static_cast<double>(sums.n);
  const double total = total_sum_of_squares(measured, predicted, sums.measured / n);
  return {sums.n, std::sqrt(sums.squared / n), sums.absolute / n,
          sums.n > 1 && total > 0 ? 1 - sums.squared / total : nan};
}

}  // namespace molrt
