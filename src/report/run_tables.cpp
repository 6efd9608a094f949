// The tables about the run: what was trained, on what, and how.
#include <fmt/format.h>

#include <map>
#include <set>

#include "molrt.h"
#include "report/held_out.h"
#include "report/html.h"
#include "report/metric_names.h"
#include "report/molecules.h"
#include "report/scale.h"
#include "report/sections.h"

namespace molrt::report {
namespace {

using Json = nlohmann::ordered_json;
using Facts = std::vector<std::pair<std::string, std::string>>;

constexpr size_t most_listed = 100;  // rows that are named one by one

std::string text_of(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  return value.is_number_float() ? number_text(value.get<double>()) : value.dump();
}

std::string target_names(const ReportData& data) {
  std::string names;
  for (size_t i = 0; i < std::min<size_t>(20, data.targets.size()); ++i)
    names += (i ? ", " : "") + name_with_unit(data.targets[i]);
  return names +
         (data.targets.size() > 20 ? fmt::format(" and {} more", data.targets.size() - 20) : "");
}

std::string data_counts(const ReportData& data) {
  const Json rows = data.run.value("rows", Json::object());
  const auto count = [&](const char* key) { return count_text(rows.value(key, size_t{0})); };
  return fmt::format("{} of {} rows used; {} without a measured value, {} whose molecule failed",
                     count("used"), count("total"), count("without_target"), count("failed"));
}

std::string split_in_words(const ReportData& data) {
  const Json settings = data.run.value("settings", Json::object());
  const Json folds = data.run.value("folds", Json::array());
  if (folds.empty()) return "";
  const std::string kind = settings.value("split", "");
  const auto rows = [](const Json& fold, const char* key) {
    return count_text(fold.value(key, size_t{0}));
  };
  std::set<int> splits;
  for (const Json& fold : folds) splits.insert(fold.value("split", 0));
  const size_t seeds = folds.size() / splits.size();
  const std::string each = seeds > 1 ? fmt::format("; {} networks each", seeds) : "";
  if (splits.size() == 1)
    return fmt::format("{}: {} molecules to train on, {} held out{}", kind,
                       rows(folds[0], "train_rows"), rows(folds[0], "held_out_rows"), each);
  return fmt::format(
      "{}, {} parts held out in turn: about {} to train on and {} held out in each{}", kind,
      splits.size(), rows(folds[0], "train_rows"), rows(folds[0], "held_out_rows"), each);
}

std::string coordinate_sources(const ReportData& data) {
  std::map<int32_t, size_t> counts;
  for (const ReportRow& row : data.rows)
    if (row.status == MOLRT_ROW_OK) ++counts[row.source];
  std::string text;
  for (const auto& [source, count] : counts)
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count_text(count),
                        source_in_words(source));
  return text;
}

std::string number_or_dash(const Json& object, const char* key) {
  const auto value = find_number(object, key);
  return value ? number_text(*value) : "\u2013";
}

// The settings by method: those without a dot in their name first.
std::map<std::string, std::vector<Cells>> grouped_settings(const ReportData& data) {
  std::map<std::string, std::vector<Cells>> groups;
  const Json settings = data.run.value("settings", Json::object());
  for (const auto& [name, value] : settings.items()) {
    const size_t dot = name.find('.');
    const Json usual = data.defaults.value(name, Json());
    groups[dot == std::string::npos ? "" : name.substr(0, dot)].push_back(
        {name, text_of(value),
         value == usual || usual == "auto" ? "" : "default: " + text_of(usual)});
  }
  return groups;
}

}  // namespace

std::string what_was_trained(const ReportData& data) {
  Facts rows = {{"Base model", data.base},
                {"Task", task_name(data.task)},
                {data.targets.size() == 1 ? "Target" : "Targets", target_names(data)},
                {"Data", data_counts(data)},
                {"Split", split_in_words(data)},
                {"Coordinates", coordinate_sources(data)}};
  std::erase_if(rows, [](const auto& row) { return row.second.empty(); });
  return heading(2, "What was trained") + facts(rows);
}

std::string settings_tables(const ReportData& data) {
  std::string all;
  for (const auto& [group, rows] : grouped_settings(data)) {
    if (!group.empty()) all += heading(4, group);
    all += table({"setting", "value", "where it is not the default"}, rows, true);
  }
  return all.empty() ? ""
                     : heading(2, "Settings") +
                           note("Every setting that took effect, with the value that ran.") +
                           details("All settings", all);
}

std::string members_table(const ReportData& data) {
  std::vector<Cells> rows;
  for (const Json& fold : data.run.value("folds", Json::array()))
    rows.push_back({fmt::format("{}", rows.size() + 1), number_or_dash(fold, "train_rows"),
                    number_or_dash(fold, "held_out_rows"), number_or_dash(fold, "epochs"),
                    number_or_dash(fold, "best_epoch"), number_or_dash(fold, "train_loss"),
                    number_or_dash(fold, "valid_loss")});
  if (rows.empty()) return "";
  return heading(2, rows.size() == 1 ? "The network" : "The networks") +
         (rows.size() > 1 ? note("Predictions are the mean over these.") : "") +
         table({"member", "trained on", "held out", "epochs", "kept epoch", "training loss",
                "held-out loss"},
               rows) +
         note("Losses are in the scaled units that training works in.");
}

std::string left_out_rows(const ReportData& data) {
  std::map<int32_t, size_t> reasons;
  std::vector<Cells> listed;
  for (size_t i = 0; i < data.rows.size(); ++i) {
    const ReportRow& row = data.rows[i];
    if (row.status == MOLRT_ROW_OK) continue;
    ++reasons[row.status];
    if (listed.size() < most_listed)
      listed.push_back({fmt::format("{}", i + 1), molecule_name(row), row.message});
  }
  if (reasons.empty()) return "";
  std::vector<Cells> counts;
  for (const auto& [status, count] : reasons)
    counts.push_back({molrt_row_status_name(status), count_text(count)});
  return heading(2, "Molecules left out") + table({"reason", "rows"}, counts) +
         details(listed.size() < most_listed ? "Each of them" : "The first of them",
                 table({"row", "molecule", "what went wrong"}, listed, true));
}

std::string provenance(const ReportData& data) {
  return data.provenance.empty() ? "" : heading(2, "Provenance") + facts(data.provenance);
}

}  // namespace molrt::report
