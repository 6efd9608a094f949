#include "report/html_report.h"

#include "report/html.h"
#include "report/scale.h"
#include "report/sections.h"

namespace molrt {
namespace {

using namespace report;

std::string target_sections(const ReportData& data) {
  const Limits limits = limits_for(data.targets.size());
  std::string all;
  for (size_t i = 0; i < std::min(limits.sections, data.targets.size()); ++i)
    all += data.targets[i].classes == 0 ? regression_section(data, i, limits)
                                        : class_section(data, i, limits);
  if (data.targets.size() > limits.sections)
    all += note("Pictures are of the first " + count_text(limits.sections) + " of " +
                count_text(data.targets.size()) + " targets; the table above has all.");
  return all;
}

}  // namespace

std::string html_report(const ReportData& data) {
  return page(page_title(data), headline(data) + what_was_trained(data) + learning_curves(data) +
                                    target_sections(data) + left_out_rows(data) +
                                    members_table(data) + settings_tables(data) + provenance(data));
}

}  // namespace molrt
