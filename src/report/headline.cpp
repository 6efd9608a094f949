// The top of a report: what came out, in words and numbers, and what to be careful about.
#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "molrt.h"
#include "report/held_out.h"
#include "report/html.h"
#include "report/metric_names.h"
#include "report/scale.h"
#include "report/sections.h"
#include "report/verdict.h"

namespace molrt::report {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t most_verdicts = 8;  // more targets are read in the table

// Metrics by target: of the test, where the split has one, else of the held-out rows.
Json deciding_metrics(const ReportData& data) {
  const Json test = data.run.value("test", Json::array());
  return test.empty() ? data.run.value("held_out", Json::array()) : test;
}

std::string verdicts(const ReportData& data) {
  const Json metrics = deciding_metrics(data);
  std::string all;
  for (size_t i = 0; i < std::min({most_verdicts, data.targets.size(), metrics.size()}); ++i) {
    const Verdict verdict = judge(data.targets[i], metrics[i]);
    all += element("p", verdict.poor ? "verdict poor" : "verdict", escaped(verdict.text));
  }
  return all;
}

std::string shown(std::optional<double> value) { return value ? number_text(*value) : "\u2013"; }

// One target: its metrics below each other, the baseline beside them.
std::string table_of_one(const char* rows_name, const Json& target) {
  std::vector<Cells> rows;
  for (const std::string& key : metric_keys(target))
    rows.push_back(
        {metric_label(key), shown(find_number(target, key)), shown(find_baseline(target, key))});
  return table({rows_name, "this model", "without a model"}, rows);
}

std::string table_of_many(const ReportData& data, const char* rows_name, const Json& all) {
  const std::vector<std::string> keys = metric_keys(all[0]);
  Cells head = {rows_name, "values"};
  for (const std::string& key : keys) head.push_back(metric_label(key));
  std::vector<Cells> rows;
  for (size_t i = 0; i < all.size(); ++i) {
    rows.push_back({i < data.targets.size() ? name_with_unit(data.targets[i]) : "",
                    count_text(all[i].value("n", size_t{0}))});
    for (const std::string& key : keys) rows.back().push_back(shown(find_number(all[i], key)));
  }
  return table(head, rows);
}

std::string metrics_table(const ReportData& data, const char* key, const char* rows_name) {
  const Json all = data.run.value(key, Json::array());
  if (all.empty()) return "";
  return all.size() == 1 ? table_of_one(rows_name, all[0]) : table_of_many(data, rows_name, all);
}

size_t count_rows(const ReportData& data, const std::function<bool(const ReportRow&)>& which) {
  return static_cast<size_t>(std::count_if(data.rows.begin(), data.rows.end(), which));
}

std::string warning_text(const Json& warning) {
  if (warning.is_string()) return warning.get<std::string>();
  return warning.is_object() ? warning.value("message", warning.dump()) : warning.dump();
}

std::vector<std::string> all_warnings(const ReportData& data) {
  std::vector<std::string> list;
  for (const Json& warning : data.run.value("warnings", Json::array()))
    list.push_back(warning_text(warning));
  if (data.run.value("early_stopping_on_held_out", false))
    list.push_back(
        "The held-out molecules also chose when to stop training, so that the numbers here are a "
        "little optimistic.");
  if (data.run.value("interrupted", false))
    list.push_back("The run was stopped before its end: this is the best model so far.");
  const size_t flat = count_rows(data, [](const ReportRow& row) {
    return row.status == MOLRT_ROW_OK && row.source == MOLRT_SOURCE_2D;
  });
  if (flat > 0)
    list.push_back(fmt::format("{} molecules have flat coordinates: no 3D structure could be made.",
                               count_text(flat)));
  const size_t unknown = count_rows(
      data, [](const ReportRow& row) { return (row.flags & MOLRT_FLAG_UNKNOWN_ELEMENT) != 0; });
  if (unknown > 0)
    list.push_back(fmt::format("{} molecules have elements that the base model does not know.",
                               count_text(unknown)));
  return list;
}

std::string warnings(const ReportData& data) {
  std::string items;
  for (const std::string& text : all_warnings(data)) items += element("li", "", escaped(text));
  return items.empty()
             ? ""
             : element("div", "warnings",
                       element("strong", "", "To be careful about") + element("ul", "", items));
}

}  // namespace

std::string page_title(const ReportData& data) {
  if (!data.title.empty()) return data.title;
  std::string names;
  for (size_t i = 0; i < std::min<size_t>(4, data.targets.size()); ++i)
    names += (i ? ", " : "") + data.targets[i].name;
  return "A model of " + names + (data.targets.size() > 4 ? " and more" : "");
}

std::string headline(const ReportData& data) {
  return element("h1", "", escaped(page_title(data), 200)) +
         note(fmt::format("Report of a training run by molrt {}", molrt_version_text())) +
         verdicts(data) + warnings(data) + metrics_table(data, "test", "test molecules") +
         metrics_table(data, "held_out", "held-out molecules");
}

}  // namespace molrt::report
