// A target of values: measured against predicted, errors, error bars, the worst molecules.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "report/chart.h"
#include "report/error_bars.h"
#include "report/held_out.h"
#include "report/html.h"
#include "report/molecules.h"
#include "report/sections.h"

namespace molrt::report {
namespace {

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
           figures({parity(), residuals(), errors_by_error_bar(target_, rows_),
                    coverage_of_intervals(data_, index_, rows_)}) +
           numbers() + worst();
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
    Chart chart("Histogram of errors", "predicted \u2212 measured" + unit_in_brackets(target_),
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
