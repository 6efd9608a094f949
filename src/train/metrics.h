#pragma once
// How good predictions are, by scikit-learn's definitions.
#include <cstddef>
#include <span>

namespace molrt {

struct Metrics {
  size_t n = 0;  // pairs where neither value is NaN; the numbers below are NaN without any
  double rmse, mae;
  double r2;  // NaN with fewer than 2 pairs, or if the measured values are all equal
};

Metrics evaluate_metrics(std::span<const double> measured, std::span<const double> predicted);

}  // namespace molrt
