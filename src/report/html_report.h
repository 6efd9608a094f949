#pragma once
// The report of a training run as one HTML file for people: pictures as inline SVG, no script,
// nothing fetched. Its size does not grow without bound with rows and targets: points are sampled
// (the text says so), numbers are of all rows.
#include <string>

#include "report/report_data.h"

namespace molrt {

std::string html_report(const ReportData& data);  // UTF-8

}  // namespace molrt
