#include "report/metric_names.h"

#include <array>

namespace molrt::report {
namespace {

constexpr const char* baseline_prefix = "mean_";

constexpr std::array<std::pair<const char*, const char*>, 12> labels = {{
    {"rmse", "RMSE"},
    {"mae", "MAE"},
    {"mse", "MSE"},
    {"r2", "R²"},
    {"pearson", "Pearson r"},
    {"spearman", "Spearman ρ"},
    {"auroc", "ROC AUC"},
    {"auprc", "PR AUC"},
    {"accuracy", "accuracy"},
    {"f1", "F1"},
    {"mcc", "MCC"},
    {"logloss", "log loss"},
}};

}  // namespace

std::string metric_label(const std::string& key) {
  for (const auto& [known, label] : labels)
    if (key == known) return label;
  return key;
}

std::optional<double> find_number(const nlohmann::ordered_json& object, const std::string& key) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_number()) return std::nullopt;
  return found->get<double>();
}

std::optional<double> find_baseline(const nlohmann::ordered_json& object, const std::string& key) {
  return find_number(object, baseline_prefix + key);
}

std::vector<std::string> metric_keys(const nlohmann::ordered_json& target) {
  std::vector<std::string> keys;
  for (const auto& [key, value] : target.items())
    if (key != "n" && key != "threshold" && !key.starts_with(baseline_prefix) &&
        (value.is_number() || value.is_null()))
      keys.push_back(key);
  return keys;
}

}  // namespace molrt::report
