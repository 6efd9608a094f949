#pragma once
// Whether a target's predicted error bars tell the truth: two figures, empty where fewer than ten
// rows have one.
#include <string>

#include "report/held_out.h"

namespace molrt::report {

// Also empty where no more than two error bars differ.
std::string errors_by_error_bar(const ReportTarget& target, const HeldOutRows& rows);
std::string coverage_of_intervals(const ReportData& data, size_t target, const HeldOutRows& rows);

}  // namespace molrt::report
