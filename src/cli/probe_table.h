#pragma once
// The report of a probe (JSON, molrt_probe_get_report) for people.
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace molrt::cli {

// Of each target the first metric, a line for each layer and order.
std::vector<std::string> probe_table(const nlohmann::ordered_json& report);

}  // namespace molrt::cli
