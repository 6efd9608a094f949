#pragma once
// The metrics of classes (metrics.h says which), and what ranks values.
#include "train/metrics.h"

namespace molrt {

// Rows without NaN, one at least.
double class_metric(Metric metric, const Outcomes& rows);

// F1 of class 1, predicted where the one probability is above the threshold.
double f1_above(const Outcomes& rows, double threshold);

// From 1; equal values share the mean of their ranks.
std::vector<double> mean_ranks(std::span<const double> values);

}  // namespace molrt
