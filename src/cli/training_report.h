#pragma once
// The report of a training run (JSON, molrt_job_get_report) for people.
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace molrt::cli {

std::vector<std::string> training_summary(const nlohmann::ordered_json& report);

}  // namespace molrt::cli
