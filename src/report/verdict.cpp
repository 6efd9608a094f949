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

Verdict of_values(const ReportTarget& target, const Json& metrics, size_t count) {
  const auto mae = find_number(metrics, "mae"), r2 = find_number(metrics, "r2");
  if (!mae) return nothing_held_out(target);
  std::string text = fmt::format(
      "Predictions of {} for {} molecules that were not trained on are off by {} on average (mean "
      "absolute error)",
      target.name, count_text(count), with_unit(*mae, target));
  if (const auto mean = find_baseline(metrics, "mae"))
    text += fmt::format("; always guessing the mean of the training molecules is off by {}",
                        with_unit(*mean, target));
  if (!r2) return {text + "." + few_rows(count)};
  const Verdict words = explained(*r2);
  return {fmt::format("{}. R² is {}: {}.{}", text, short_text(*r2), words.text, few_rows(count)),
          words.poor};
}

Verdict of_classes(const ReportTarget& target, const Json& metrics, size_t count) {
  const auto right = find_number(metrics, "accuracy"), auroc = find_number(metrics, "auroc");
  if (!right) return nothing_held_out(target);
  const auto guessing = find_baseline(metrics, "accuracy");
  std::string text =
      fmt::format("{} of {} molecules that were not trained on get the right class of {}",
                  percent_text(*right), count_text(count), target.name);
  if (guessing)
    text += fmt::format("; always naming the most frequent class is right for {}",
                        percent_text(*guessing));
  if (!auroc) return {text + "." + few_rows(count), guessing && *right <= *guessing};
  const Verdict words = ranked(*auroc);
  return {fmt::format("{}. ROC AUC is {} (guessing: 0.5): {}.{}", text, short_text(*auroc),
                      words.text, few_rows(count)),
          words.poor};
}

}  // namespace

Verdict judge(const ReportTarget& target, const Json& metrics) {
  const size_t count = metrics.value("n", size_t{0});
  if (count == 0) return nothing_held_out(target);
  return target.classes == 0 ? of_values(target, metrics, count)
                             : of_classes(target, metrics, count);
}

}  // namespace molrt::report
