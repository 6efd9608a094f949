#pragma once
// What the metrics of a run's report (train/head_training.h) are called, and which way is better.
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace molrt::report {

std::string metric_label(const std::string& key);  // "R²"; the key itself if it is not known
// The number under `key`; nullopt where there is none or null.
std::optional<double> find_number(const nlohmann::ordered_json& object, const std::string& key);
// The same number of the baseline that the report tells beside it.
std::optional<double> find_baseline(const nlohmann::ordered_json& object, const std::string& key);
// Of what the report says of a target the metrics but for the baselines', in its order.
std::vector<std::string> metric_keys(const nlohmann::ordered_json& target);

}  // namespace molrt::report
