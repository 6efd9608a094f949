// A target of values: measured against predicted, errors, error bars, the worst molecules.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "report/chart.h"
#include "report/held_out.h"
#include "report/html.h"
#include "report/metric_names.h"
#include "report/molecules.h"
#include "report/sections.h"

namespace molrt::report {
namespace {

using Json = nlohmann::ordered_json;

std::string value_at(const std::vector<float>& values, size_t row) {
  return row < values.size() && std::isfinite(values[row])
             ? number_text(static_cast<double>(values[row]))
             : "";
}

class RegressionSection {
 public:
  RegressionSection(const ReportData& data, size_t target, const Limits& limits)
      : data_(data),
        target_(data.targets[target]),
        index_(target),
        limits_(limits),
        rows_(held_out_values(target_)) {}

  std::string markup() const {
    if (rows_.size() == 0) return "";
    return heading(2, target_.name) +
           figures({parity(), residuals(), errors_by_error_bar(), coverage()}) + numbers() +
           worst();
  }

 private:
  std::string tip(size_t i) const {
    const size_t row = rows_.rows[i];
    std::string text = fmt::format("row {}: measured {}, predicted {}", row + 1,
                                   number_text(rows_.measured[i]), number_text(rows_.predicted[i]));
    if (const std::string bar = value_at(target_.error_bar, row); !bar.empty())
      text += " \u00b1 " + bar;
    return text + fmt::format("\n{:.80}", molecule_name(data_.rows[row]));
  }

  std::string parity() const {
    std::vector<double> both = rows_.measured;
    both.insert(both.end(), rows_.predicted.begin(), rows_.predicted.end());
    const Range range = range_of(both);
    Chart chart("Predicted against measured values", "measured " + name_with_unit(target_),
                "predicted", range, range);
    const std::vector<size_t> chosen =
        choose_points(rows_.measured, rows_.errors, limits_.points, limits_.molecules);
    std::vector<Point> points;
    std::vector<std::string> tips;
    for (const size_t i : chosen) {
      points.push_back({rows_.measured[i], rows_.predicted[i]});
      tips.push_back(tip(i));
    }
    chart.dots(points, tips);
    chart.line(std::vector<Point>{{range.low, range.low}, {range.high, range.high}}, "ideal");
    add_fit(chart);
    return figure("Measured and predicted", chart.svg(), parity_caption(chosen.size()));
  }

  void add_fit(Chart& chart) const {
    const FittedLine line = fit_line(rows_.measured, rows_.predicted);
    std::vector<std::pair<std::string, std::string>> key = {{"ideal", "exact"}};
    if (std::isfinite(line.slope)) {
      const Range x = range_of(rows_.measured);
      chart.line(std::vector<Point>{{x.low, line.intercept + line.slope * x.low},
                                    {x.high, line.intercept + line.slope * x.high}},
                 "red");
      key.emplace_back("red", "fitted, slope " + short_text(line.slope));
    }
    chart.key(key);
  }

  std::string parity_caption(size_t drawn) const {
    std::string text = "Each point is a molecule that was not trained on.";
    if (drawn < rows_.size())
      text += fmt::format(
          " {} of {} points are drawn: evenly by the measured value, and the largest errors. All "
          "numbers are of all molecules.",
          count_text(drawn), count_text(rows_.size()));
    return text;
  }

  std::string residuals() const {
    const Histogram histogram = make_histogram(rows_.errors, 25);
    const size_t highest = *std::max_element(histogram.counts.begin(), histogram.counts.end());
    const double end =
        histogram.low + histogram.width * static_cast<double>(histogram.counts.size());
    Chart chart("Histogram of errors", "predicted \u2212 measured" + unit_in_brackets(),
                "molecules", Range{std::min(0.0, histogram.low), std::max(0.0, end)},
                Range{0, static_cast<double>(highest)});
    for (size_t i = 0; i < histogram.counts.size(); ++i) {
      const double low = histogram.low + histogram.width * static_cast<double>(i);
      chart.bar(low, low + histogram.width, static_cast<double>(histogram.counts[i]),
                fmt::format("{} to {}: {} molecules", number_text(low),
                            number_text(low + histogram.width), histogram.counts[i]));
    }
    chart.line(std::vector<Point>{{0, 0}, {0, static_cast<double>(highest)}}, "ideal");
    return figure("Errors", chart.svg(), error_caption());
  }

  std::string unit_in_brackets() const {
    return target_.unit.empty() ? "" : " (" + target_.unit + ")";
  }

  std::string error_caption() const {
    std::vector<double> sorted = rows_.errors;
    std::sort(sorted.begin(), sorted.end());
    double sum = 0;
    for (const double error : sorted) sum += error;
    const size_t edge = sorted.size() / 20;  // 5 % beyond each
    return fmt::format(
        "Right of zero the prediction is too high. The mean error is {}; nine of ten errors lie "
        "between {} and {}.",
        with_unit(sum / static_cast<double>(sorted.size()), target_), short_text(sorted[edge]),
        short_text(sorted[sorted.size() - 1 - edge]));
  }

  // The predicted error bars of the rows that have one, and their errors.
  struct Bars {
    std::vector<double> bar, error;
  };
  Bars error_bars() const {
    Bars bars;
    for (size_t i = 0; i < rows_.size(); ++i) {
      const size_t row = rows_.rows[i];
      if (row >= target_.error_bar.size() || !(target_.error_bar[row] > 0)) continue;
      bars.bar.push_back(target_.error_bar[row]);
      bars.error.push_back(rows_.errors[i]);
    }
    return bars;
  }

  std::string errors_by_error_bar() const {
    const Bars bars = error_bars();
    if (bars.bar.size() < 10) return "";
    const std::vector<BinnedPair> bins = bin_by_rank(bars.bar, bars.error, 8);
    std::vector<Point> points;
    std::vector<std::string> tips;
    double largest = 0;
    for (const BinnedPair& bin : bins) {
      points.push_back({bin.x, bin.y});
      largest = std::max({largest, bin.x, bin.y});
      tips.push_back(fmt::format("{} molecules: error bar {}, error {}", bin.count,
                                 number_text(bin.x), number_text(bin.y)));
    }
    Chart chart("Error against predicted error bar", "predicted error bar" + unit_in_brackets(),
                "error seen (RMSE)", Range{0, largest}, Range{0, largest});
    chart.line(std::vector<Point>{{0, 0}, {largest, largest}}, "ideal");
    chart.line(points, "blue");
    chart.marks(points, tips);
    return figure("Errors against error bars", chart.svg(),
                  "Molecules in groups of the same size by their predicted error bar. On the "
                  "dotted line the error bars are right; a level line means that they do not tell "
                  "good predictions from bad ones.");
  }

  std::string coverage() const {
    const Bars bars = error_bars();
    if (bars.bar.size() < 10) return "";
    std::vector<double> levels;  // at which a normal interval begins to have the measured value
    for (size_t i = 0; i < bars.bar.size(); ++i)
      levels.push_back(std::erf(std::abs(bars.error[i]) / bars.bar[i] / std::sqrt(2.0)));
    std::sort(levels.begin(), levels.end());
    std::vector<Point> points;
    for (int percent = 0; percent <= 100; percent += 2) {
      const double level = percent / 100.0;
      const auto within = std::upper_bound(levels.begin(), levels.end(), level) - levels.begin();
      points.push_back({level, static_cast<double>(within) / static_cast<double>(levels.size())});
    }
    Chart chart = Chart::exact("Coverage of intervals", "part that the interval should have",
                               "part that it has", {0, 1}, {0, 1});
    chart.line(std::vector<Point>{{0, 0}, {1, 1}}, "ideal");
    chart.line(points, "blue");
    const std::string interval = interval_coverage(chart);
    return figure("Coverage", chart.svg(),
                  "Below the dotted line the error bars (taken as normal) are too small, above it "
                  "too large." +
                      interval);
  }

  // What the calibration tells of this target (train/head_training.h), or null.
  Json calibration() const {
    const Json uncertainty = data_.run.value("uncertainty", Json::object());
    const Json targets = uncertainty.value("targets", Json::array());
    if (index_ >= targets.size()) return nullptr;
    const auto mode = targets[index_].find(uncertainty.value("predict", "det"));
    return mode == targets[index_].end() ? Json() : mode->value("calibrated", Json());
  }

  // The intervals that predict gives, which need not be normal, as marks of their own.
  std::string interval_coverage(Chart& chart) const {
    std::vector<Point> points;
    std::vector<std::string> tips;
    const Json known = calibration();
    if (!known.is_object()) return "";
    for (const Json& entry : known.value("coverage", Json::array())) {
      const auto level = find_number(entry, "level"), seen = find_number(entry, "seen");
      if (!level || !seen) continue;
      points.push_back({*level, *seen});
      tips.push_back(fmt::format("{} intervals have {} of the measured values",
                                 percent_text(*level), percent_text(*seen)));
    }
    if (points.empty()) return "";
    chart.marks(points, tips);
    return " The round marks are the intervals that predict gives, calibrated on other molecules.";
  }

  std::string numbers() const {
    const FittedLine line = fit_line(rows_.measured, rows_.predicted);
    const EndBias bias = end_bias(rows_.measured, rows_.predicted);
    const std::string slope =
        std::isnan(line.slope) ? "undefined"
        : line.slope < .9      ? short_text(line.slope) + ": predictions are drawn towards the mean"
                               : short_text(line.slope);
    return facts(
        {{"Slope of predicted over measured (1 is exact)", slope},
         {fmt::format("Bias of the lowest tenth of measured values ({} molecules)", bias.count),
          signed_value(bias.lowest)},
         {fmt::format("Bias of the highest tenth ({} molecules)", bias.count),
          signed_value(bias.highest)}});
  }

  std::string signed_value(double value) const {
    const char* way = value > 0 ? " (predicted too high)" : value < 0 ? " (predicted too low)" : "";
    return (value > 0 ? "+" : "") + with_unit(value, target_) + way;
  }

  std::string worst() const {
    std::vector<MoleculeCard> cards;
    for (const size_t i : largest_errors(rows_.errors, limits_.molecules)) {
      const std::string bar = value_at(target_.error_bar, rows_.rows[i]);
      cards.push_back(
          {rows_.rows[i],
           {"measured " + with_unit(rows_.measured[i], target_),
            "predicted " + number_text(rows_.predicted[i]) + (bar.empty() ? "" : " \u00b1 " + bar),
            "error " + signed_value(rows_.errors[i])}});
    }
    return heading(3, "Worst predictions of " + target_.name) +
           note(
               "Look for a wrong unit, a salt, a typing error, or chemistry that the training "
               "molecules do not have.") +
           molecule_cards(data_, cards);
  }

  const ReportData& data_;
  const ReportTarget& target_;
  size_t index_;
  const Limits& limits_;
  HeldOutRows rows_;
};

}  // namespace

Limits limits_for(size_t targets) {
  const size_t shares = std::max<size_t>(targets, 1);
  return {.sections = 24,
          .points = std::clamp<size_t>(6000 / shares, 300, 2000),
          .molecules = std::clamp<size_t>(48 / shares, 4, 12)};
}

std::string regression_section(const ReportData& data, size_t target, const Limits& limits) {
  return RegressionSection(data, target, limits).markup();
}

}  // namespace molrt::report
