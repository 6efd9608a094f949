#include "report/error_bars.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "report/chart.h"
#include "report/html.h"
#include "report/metric_names.h"

namespace molrt::report {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t fewest_rows = 10, groups = 8;

// Of the rows that have one.
struct Bars {
  std::vector<double> bar, error;
  size_t size() const { return bar.size(); }
};

Bars error_bars(const ReportTarget& target, const HeldOutRows& rows) {
  Bars bars;
  for (size_t i = 0; i < rows.size(); ++i) {
    const size_t row = rows.rows[i];
    if (row >= target.error_bar.size() || !(target.error_bar[row] > 0)) continue;
    bars.bar.push_back(target.error_bar[row]);
    bars.error.push_back(rows.errors[i]);
  }
  return bars;
}

// Without a spread there is one error bar for all, or two: calibrated on either half of the rows.
bool tell_apart(const Bars& bars) {
  return std::set<double>(bars.bar.begin(), bars.bar.end()).size() > 2;
}

// Ascending: for each row the level at which a normal interval begins to have the measured value.
std::vector<double> levels_of(const Bars& bars) {
  std::vector<double> levels;
  for (size_t i = 0; i < bars.size(); ++i)
    levels.push_back(std::erf(std::abs(bars.error[i]) / bars.bar[i] / std::sqrt(2.0)));
  std::sort(levels.begin(), levels.end());
  return levels;
}

std::vector<Point> coverage_curve(const std::vector<double>& levels) {
  std::vector<Point> points;
  for (int percent = 0; percent <= 100; percent += 2) {
    const double level = percent / 100.0;
    const auto within = std::upper_bound(levels.begin(), levels.end(), level) - levels.begin();
    points.push_back({level, static_cast<double>(within) / static_cast<double>(levels.size())});
  }
  return points;
}

// What the calibration tells of the target (train/head_training.h), or null.
Json calibration(const ReportData& data, size_t target) {
  const Json uncertainty = data.run.value("uncertainty", Json::object());
  const Json targets = uncertainty.value("targets", Json::array());
  if (target >= targets.size()) return nullptr;
  const auto mode = targets[target].find(uncertainty.value("predict", "det"));
  return mode == targets[target].end() ? Json() : mode->value("calibrated", Json());
}

// The intervals that predict gives, which need not be normal, as marks; what to say of them.
std::string mark_intervals(const Json& calibrated, Chart& chart) {
  if (!calibrated.is_object()) return "";
  std::vector<Point> points;
  std::vector<std::string> tips;
  for (const Json& entry : calibrated.value("coverage", Json::array())) {
    const auto level = find_number(entry, "level"), seen = find_number(entry, "seen");
    if (!level || !seen) continue;
    points.push_back({*level, *seen});
    tips.push_back(fmt::format("{} intervals have {} of the measured values", percent_text(*level),
                               percent_text(*seen)));
  }
  if (points.empty()) return "";
  chart.marks(points, tips);
  return " The round marks are the intervals that predict gives, calibrated on other molecules.";
}

}  // namespace

std::string errors_by_error_bar(const ReportTarget& target, const HeldOutRows& rows) {
  const Bars bars = error_bars(target, rows);
  if (bars.size() < fewest_rows || !tell_apart(bars)) return "";
  std::vector<Point> points;
  std::vector<std::string> tips;
  double largest = 0;
  for (const BinnedPair& bin : bin_by_rank(bars.bar, bars.error, groups)) {
    points.push_back({bin.x, bin.y});
    largest = std::max({largest, bin.x, bin.y});
    tips.push_back(fmt::format("{} molecules: error bar {}, error {}", bin.count,
                               number_text(bin.x), number_text(bin.y)));
  }
  Chart chart("Error against predicted error bar", "predicted error bar" + unit_in_brackets(target),
              "error seen (RMSE)", Range{0, largest}, Range{0, largest});
  chart.line(std::vector<Point>{{0, 0}, {largest, largest}}, "ideal");
  chart.line(points, "blue");
  chart.marks(points, tips);
  return figure("Errors against error bars", chart.svg(),
                "Molecules in groups of the same size by their predicted error bar. On the dotted "
                "line the error bars are right; a level line means that they do not tell good "
                "predictions from bad ones.");
}

std::string coverage_of_intervals(const ReportData& data, size_t target, const HeldOutRows& rows) {
  const Bars bars = error_bars(data.targets[target], rows);
  if (bars.size() < fewest_rows) return "";
  Chart chart = Chart::exact("Coverage of intervals", "part that the interval should have",
                             "part that it has", {0, 1}, {0, 1});
  chart.line(std::vector<Point>{{0, 0}, {1, 1}}, "ideal");
  chart.line(coverage_curve(levels_of(bars)), "blue");
  const std::string marked = mark_intervals(calibration(data, target), chart);
  return figure("Coverage", chart.svg(),
                "The line: normal intervals of the error bars. Below the dotted one they are too "
                "small, above it too large." +
                    marked);
}

}  // namespace molrt::report
