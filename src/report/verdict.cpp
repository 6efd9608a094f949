#include "report/verdict.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "report/held_out.h"
#include "report/metric_names.h"
#include "report/scale.h"

namespace molrt::report {
namespace {

using Json = nlohmann::ordered_json;

struct Grade {
  double at_least;
  const char* words;
};

// The first whose bound the value reaches; the last one has none.
template <size_t count>
Verdict grade(double value, const std::array<Grade, count>& grades, size_t first_poor) {
  for (size_t i = 0; i < count; ++i)
    if (value >= grades[i].at_least || i + 1 == count) return {grades[i].words, i >= first_poor};
  return {};
}

Verdict explained(double r2) {
  static constexpr std::array<Grade, 5> grades = {
      {{.8, "a good model: it ranks molecules well and its values can be used"},
       {.5, "a useful model: it ranks molecules, but single values are rough"},
       {.2, "a weak model: for rough ranking only"},
       {.05, "hardly better than always guessing the mean"},
       {0, "no better than always guessing the mean: do not use its predictions"}}};
  return grade(r2, grades, 3);
}

Verdict ranked(double auroc) {
  static constexpr std::array<Grade, 5> grades = {{{.9, "a very good classifier"},
                                                   {.8, "a good classifier"},
                                                   {.7, "a useful classifier"},
                                                   {.6, "a weak classifier"},
                                                   {0, "no better than guessing: do not use it"}}};
  return grade(auroc, grades, 4);
}

std::string few_rows(size_t count) {
  if (count >= 30) return "";
  return fmt::format(" With only {} held-out values these numbers are themselves uncertain.",
                     count);
}

Verdict nothing_held_out(const ReportTarget& target) {
  return {fmt::format("No measured value of {} was held out, so nothing is known about how good "
                      "the predictions of new molecules are.",
                      target.name),
          true};
}

Verdict of_values(const ReportTarget& target, const Json& metrics) {
  const HeldOutRows rows = held_out_values(target);
  const auto mae = find_number(metrics, "mae"), r2 = find_number(metrics, "r2");
  if (rows.size() == 0 || !mae) return nothing_held_out(target);
  std::string text = fmt::format(
      "Predictions of {} for {} molecules that were not trained on are off by {} on average (mean "
      "absolute error)",
      target.name, count_text(rows.size()), with_unit(*mae, target));
  if (const auto mean = find_baseline(metrics, "mae"))
    text += fmt::format("; always guessing the mean of the training molecules is off by {}",
                        with_unit(*mean, target));
  if (!r2) return {text + "." + few_rows(rows.size())};
  const Verdict words = explained(*r2);
  return {
      fmt::format("{}. R² is {}: {}.{}", text, number_text(*r2), words.text, few_rows(rows.size())),
      words.poor};
}

size_t count_right(const HeldOutClasses& rows) {
  size_t right = 0;
  for (size_t i = 0; i < rows.size(); ++i) right += rows.measured[i] == rows.predicted[i];
  return right;
}

size_t count_most_frequent(const HeldOutClasses& rows, size_t classes) {
  std::vector<size_t> counts(classes);
  for (const size_t c : rows.measured) ++counts[c];
  return *std::max_element(counts.begin(), counts.end());
}

Verdict of_classes(const ReportTarget& target, const Json& metrics) {
  const HeldOutClasses rows = held_out_classes(target);
  if (rows.size() == 0) return nothing_held_out(target);
  const auto n = static_cast<double>(rows.size());
  const double right = static_cast<double>(count_right(rows)) / n;
  const double guessing = static_cast<double>(count_most_frequent(rows, target.classes)) / n;
  std::string text = fmt::format(
      "{} of {} molecules that were not trained on get the right class of {}; always naming the "
      "most frequent class would be right for {}",
      percent_text(right), count_text(rows.size()), target.name, percent_text(guessing));
  const auto auroc = find_number(metrics, "auroc");
  if (!auroc) return {text + "." + few_rows(rows.size()), right <= guessing};
  const Verdict words = ranked(*auroc);
  return {fmt::format("{}. ROC AUC is {} (guessing: 0.5): {}.{}", text, number_text(*auroc),
                      words.text, few_rows(rows.size())),
          words.poor};
}

}  // namespace

Verdict judge(const ReportTarget& target, const Json& metrics) {
  return target.classes == 0 ? of_values(target, metrics) : of_classes(target, metrics);
}

}  // namespace molrt::report
