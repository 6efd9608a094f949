#pragma once
// From a finished training run to its report.
#include <string>

#include "report/report_data.h"
#include "train/job.h"

namespace molrt {

// `title`: of the page; empty: made of the targets' names. `begun`: when the run ended, in
// words.
ReportData report_data(const Job& job, const std::string& title, const std::string& begun);

}  // namespace molrt
