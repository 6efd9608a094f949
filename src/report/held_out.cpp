#include "report/held_out.h"

#include <algorithm>
#include <cmath>

#include "report/scale.h"

namespace molrt::report {
namespace {

bool is_class(double value, size_t classes) {
  return value >= 0 && value < static_cast<double>(classes) && value == std::floor(value);
}

// The row's probabilities of all classes.
std::vector<double> probabilities(const ReportTarget& target, size_t row) {
  if (target.is_binary()) return {1.0 - target.predicted[row], target.predicted[row]};
  const auto first = target.predicted.begin() + static_cast<std::ptrdiff_t>(row * target.classes);
  return {first, first + static_cast<std::ptrdiff_t>(target.classes)};
}

size_t chosen_class(const ReportTarget& target, const std::vector<double>& probability) {
  if (target.is_binary()) return probability[1] > target.threshold;
  return static_cast<size_t>(std::max_element(probability.begin(), probability.end()) -
                             probability.begin());
}

}  // namespace

HeldOutRows held_out_values(const ReportTarget& target) {
  HeldOutRows result;
  for (size_t row = 0; row < target.measured.size(); ++row) {
    const double measured = target.measured[row], predicted = target.predicted[row];
    if (!std::isfinite(measured) || !std::isfinite(predicted)) continue;
    result.rows.push_back(row);
    result.measured.push_back(measured);
    result.predicted.push_back(predicted);
    result.errors.push_back(predicted - measured);
  }
  return result;
}

HeldOutClasses held_out_classes(const ReportTarget& target) {
  HeldOutClasses result;
  for (size_t row = 0; row < target.measured.size(); ++row) {
    if (!is_class(target.measured[row], target.classes)) continue;
    const std::vector<double> probability = probabilities(target, row);
    if (!std::isfinite(probability[0])) continue;
    const auto measured = static_cast<size_t>(target.measured[row]);
    result.rows.push_back(row);
    result.measured.push_back(measured);
    result.predicted.push_back(chosen_class(target, probability));
    result.truth.push_back(target.measured[row]);
    result.score.push_back(probability[1]);
    result.doubt.push_back(1 - probability[measured]);
  }
  return result;
}

std::string unit_in_brackets(const ReportTarget& target) {
  return target.unit.empty() ? "" : " (" + target.unit + ")";
}

std::string name_with_unit(const ReportTarget& target) {
  return target.name + unit_in_brackets(target);
}

std::string with_unit(double value, const ReportTarget& target) {
  return target.unit.empty() ? short_text(value) : short_text(value) + " " + target.unit;
}

}  // namespace molrt::report
