#pragma once
// The rows of a target that were measured and predicted while held out.
#include <span>
#include <vector>

#include "report/report_data.h"

namespace molrt::report {

struct HeldOutRows {
  std::vector<size_t> rows;       // of the table, ascending
  std::vector<double> measured;   // [rows here]; finite
  std::vector<double> predicted;  // likewise; of several classes the most probable one
  std::vector<double> errors;     // predicted - measured; of classes see class_errors
  size_t size() const { return rows.size(); }
};

// Of a regression.
HeldOutRows held_out_values(const ReportTarget& target);

struct HeldOutClasses {
  std::vector<size_t> rows;
  std::vector<size_t> measured, predicted;  // classes
  std::vector<double> truth, score;         // with 2 classes: measured as 0 or 1, its probability
  std::vector<double> doubt;                // 1 - the probability of the measured class
  size_t size() const { return rows.size(); }
};

HeldOutClasses held_out_classes(const ReportTarget& target);

// "logp" or "logp (log mol/L)".
std::string name_with_unit(const ReportTarget& target);
std::string unit_in_brackets(const ReportTarget& target);  // " (log mol/L)", or ""
// "0.62" or "0.62 kcal/mol".
std::string with_unit(double value, const ReportTarget& target);

}  // namespace molrt::report
