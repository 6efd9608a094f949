#include "cli/training_report.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "cli/scores.h"

namespace molrt::cli {
namespace {

using Json = nlohmann::ordered_json;

// The report has null for a number that is not defined.
std::string number(const Json& object, const char* key) {
  const auto& value = object.at(key);
  return metric_text(value.is_number() ? value.get<double>() : std::nan(""));
}

std::string rows_line(const Json& rows) {
  return fmt::format("rows: {}; {} used, {} without a value, {} failed", rows.at("total").dump(),
                     rows.at("used").dump(), rows.at("without_target").dump(),
                     rows.at("failed").dump());
}

std::string quoted_names(const Json& names) {
  return fmt::format("'{}'", fmt::join(names.get<std::vector<std::string>>(), "', '"));
}

// The user's columns by name; of descriptors, most of them counts of rare groups, how many.
std::string constant_text(const Json& inputs) {
  Json columns = Json::array();
  for (const Json& name : inputs.at("columns"))
    if (const Json& all = inputs.at("constant");
        std::find(all.begin(), all.end(), name) != all.end())
      columns.push_back(name);
  const size_t others = inputs.at("constant").size() - columns.size();
  std::string text = columns.empty() ? "" : quoted_names(columns);
  if (others > 0) text += fmt::format("{}{} descriptors", text.empty() ? "" : " and ", others);
  return text;
}

std::string inputs_line(const Json& inputs) {
  std::vector<std::string> kinds;
  if (!inputs.at("columns").empty()) kinds.push_back("columns " + quoted_names(inputs["columns"]));
  for (const auto& [key, name] :
       {std::pair{"descriptors", "RDKit descriptors"}, std::pair{"morgan_bits", "Morgan counts"}})
    if (inputs.at(key) != 0) kinds.push_back(fmt::format("{} {}", inputs[key].dump(), name));
  auto line = fmt::format("the head reads beside the representation: {}", fmt::join(kinds, "; "));
  if (inputs.at("rows_with_missing") != 0)
    line += fmt::format("; something missing in {} rows", inputs.at("rows_with_missing").dump());
  if (!inputs.at("constant").empty())
    line += fmt::format("; constant, and so without effect: {}", constant_text(inputs));
  return line;
}

struct Shown {
  const char *key, *name;
};
const std::vector<Shown>& shown_metrics(const Json& report) {
  static const std::vector<Shown> values = {{"rmse", "RMSE"}, {"mae", "MAE"}, {"r2", "R2"}};
  static const std::vector<Shown> classes = {{"auroc", "AUROC"},       {"auprc", "AUPRC"},
                                             {"accuracy", "accuracy"}, {"f1", "F1"},
                                             {"mcc", "MCC"},           {"logloss", "log loss"}};
  return report.contains("classes") ? classes : values;
}

// "RMSE 1.2, MAE 0.9, R2 0.5"; prefix "mean_": of predicting the mean.
std::string metrics_text(const Json& target, const Json& report, const std::string& prefix = "") {
  std::string text;
  for (const auto& [key, name] : shown_metrics(report))
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", name,
                        number(target, (prefix + key).c_str()));
  return text;
}

std::string fold_line(const Json& fold, bool seeds, const Shown& metric) {
  auto line =
      fmt::format("fold {}{}: {} rows to train, {} held out", fold.at("split").get<int>() + 1,
                  seeds ? fmt::format(", seed {}", fold.at("seed").dump()) : "",
                  fold.at("train_rows").dump(), fold.at("held_out_rows").dump());
  if (fold.at("epochs") != 0) {
    line +=
        fmt::format("; {} epochs, best {}", fold.at("epochs").dump(), fold.at("best_epoch").dump());
  }
  for (const auto& target : fold.at("targets")) {
    line += fmt::format("; '{}' {} {}", target.at("name").get<std::string>(), metric.name,
                        number(target, metric.key));
  }
  return line;
}

// "90 values", or "90 values, by class 60, 30".
std::string count_text(const Json& target) {
  std::string text = target.at("n").dump() + " values";
  if (!target.contains("class_counts")) return text;
  const auto counts = target.at("class_counts").get<std::vector<size_t>>();
  return text + fmt::format(", by class {}", fmt::join(counts, ", "));
}

// "" if there is nothing to tell.
std::string split_line(const Json& split) {
  std::string line;
  if (split.at("repeated_molecules") != 0)
    line = fmt::format("{} molecules are there several times, in {} rows, which stay together",
                       split.at("repeated_molecules").dump(), split.at("repeated_rows").dump());
  if (split.at("test_rows") != 0)
    line += fmt::format("{}{} rows are kept for the test", line.empty() ? "" : "; ",
                        split.at("test_rows").dump());
  return line.empty() ? line : "split: " + line;
}

// rows: "held out" or "test".
std::string metrics_line(const Json& target, const char* rows, const Json& report) {
  return fmt::format("'{}' {} ({}): {}; predicting the {}: {}",
                     target.at("name").get<std::string>(), rows, count_text(target),
                     metrics_text(target, report),
                     report.contains("classes") ? "classes' frequencies" : "mean",
                     metrics_text(target, report, "mean_"));
}

std::string mean_line(const Json& report) {
  return fmt::format("mean of the targets: {}", metrics_text(report.at("held_out_mean"), report));
}

// The coverage of one level, which the report lists in order.
std::string interval_line(const Json& calibrated) {
  for (const auto& item : calibrated.at("coverage")) {
    if (item.at("level") != .9) continue;
    return fmt::format(
        "; its 90 % intervals (on average +-{}) held {:.0f} % of values that they "
        "were not made with",
        number(item, "half_width"), 100 * item.at("seen").get<double>());
  }
  return "";
}

std::string bar_text(const Json& calibration) {
  const double a = calibration.at("a"), b = calibration.at("b");
  if (a == 0)
    return fmt::format("error bars: +-{} (a standard deviation), the same for every molecule",
                       metric_text(std::sqrt(b)));
  return fmt::format("error bars: sigma^2 = {} s^2 + {}, s the spread over passes and seeds",
                     metric_text(a), metric_text(b));
}

std::vector<std::string> uncertainty_lines(const Json& uncertainty) {
  std::vector<std::string> lines;
  const auto mode = uncertainty.at("predict").get<std::string>();
  if (uncertainty.contains("gain_of_mc")) {
    const auto& gain = uncertainty.at("gain_of_mc");
    lines.push_back(fmt::format(
        "predicts {}; by the held-out rows MC dropout {} RMSE by {} of the targets' spread (95 % "
        "sure: gains more than {})",
        mode == "mc" ? "by MC dropout" : "without dropout",
        gain.at("rmse").get<double>() < 0 ? "raises" : "lowers",
        metric_text(std::abs(gain.at("rmse").get<double>())), number(gain, "lower_bound_95")));
  }
  for (const auto& target : uncertainty.at("targets")) {
    if (!target.contains(mode) || !target.at(mode).contains("b")) continue;
    const auto& of_mode = target.at(mode);
    auto line = fmt::format("'{}' {}", target.at("name").get<std::string>(), bar_text(of_mode));
    if (of_mode.contains("calibrated")) line += interval_line(of_mode.at("calibrated"));
    lines.push_back(line);
  }
  return lines;
}

}  // namespace

std::vector<std::string> training_summary(const Json& report) {
  std::vector<std::string> lines = {rows_line(report.at("rows"))};
  if (report.contains("inputs")) lines.push_back(inputs_line(report.at("inputs")));
  const auto split = split_line(report.at("split"));
  if (!split.empty()) lines.push_back(split);
  const bool seeds = report.at("settings").value("seeds", 1) > 1;
  const Shown& metric = shown_metrics(report).front();
  for (const auto& item : report.at("folds")) lines.push_back(fold_line(item, seeds, metric));
  for (const auto& target : report.at("held_out"))
    if (target.at("n") != 0) lines.push_back(metrics_line(target, "held out", report));
  // Of measured values the targets have units of their own.
  if (report.contains("held_out_mean") && report.contains("classes"))
    lines.push_back(mean_line(report));
  for (const auto& target : report.at("test"))
    lines.push_back(metrics_line(target, "test", report));
  if (report.contains("uncertainty")) {
    for (const auto& line : uncertainty_lines(report.at("uncertainty"))) lines.push_back(line);
  }
  if (report.value("early_stopping_on_held_out", false)) {
    lines.push_back("(the held-out rows also chose when to stop: a little optimistic)");
  }
  for (const auto& warning : report.at("warnings"))
    lines.push_back("warning: " + warning.get<std::string>());
  return lines;
}

}  // namespace molrt::cli
