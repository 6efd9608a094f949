#pragma once
// How good a model is for a target, in a chemist's words.
#include <nlohmann/json.hpp>
#include <string>

#include "report/report_data.h"

namespace molrt::report {

struct Verdict {
  std::string text;
  bool poor = false;  // hardly better than guessing
};

// `metrics`: the target's entry in the run's held_out, or in its test. The bounds between
// the words are ours, and stand in the text beside the number that they judge.
Verdict judge(const ReportTarget& target, const nlohmann::ordered_json& metrics);

}  // namespace molrt::report
