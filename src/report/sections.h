#pragma once
// The parts of a report, each as markup, empty where there is nothing to show.
#include <string>

#include "report/report_data.h"

namespace molrt::report {

// How much is drawn, so that a report's size does not grow with its rows and targets.
struct Limits {
  size_t sections;   // targets with pictures of their own
  size_t points;     // of a scatter plot
  size_t molecules;  // drawn in a section
};
Limits limits_for(size_t targets);

std::string page_title(const ReportData& data);
// What a chemist reads first: a sentence a target, the table of metrics, warnings.
std::string headline(const ReportData& data);
std::string what_was_trained(const ReportData& data);
std::string learning_curves(const ReportData& data);

// A target of values and one of classes: the pictures and the numbers of its held-out rows.
std::string regression_section(const ReportData& data, size_t target, const Limits& limits);
std::string class_section(const ReportData& data, size_t target, const Limits& limits);

std::string left_out_rows(const ReportData& data);
std::string settings_tables(const ReportData& data);
std::string members_table(const ReportData& data);
std::string provenance(const ReportData& data);

}  // namespace molrt::report
