// A target of classes: ranking, calibration, confusion, the molecules it is most wrong about.
#include <fmt/format.h>

#include <algorithm>

#include "report/chart.h"
#include "report/held_out.h"
#include "report/html.h"
#include "report/molecules.h"
#include "report/sections.h"

namespace molrt::report {
namespace {

constexpr size_t most_classes = 20;  // of a confusion matrix

// About `most` of a curve's points; its ends stay.
std::vector<Point> thinned(const std::vector<Point>& curve, size_t most) {
  if (curve.size() <= most) return curve;
  std::vector<Point> points;
  for (size_t k = 0; k < most; ++k) points.push_back(curve[k * (curve.size() - 1) / (most - 1)]);
  return points;
}

class ClassSection {
 public:
  ClassSection(const ReportData& data, size_t target, const Limits& limits)
      : data_(data),
        target_(data.targets[target]),
        limits_(limits),
        rows_(held_out_classes(target_)) {}

  std::string markup() const {
    if (rows_.size() == 0) return "";
    std::string all = heading(2, target_.name);
    if (target_.classes == 2) all += figures({roc(), precision(), calibration()});
    return all + confusion_table() + worst();
  }

 private:
  std::string roc() const {
    const std::vector<Point> curve = roc_curve(rows_.truth, rows_.score);
    if (curve.empty()) return "";
    Chart chart = Chart::exact("ROC curve", "part of class 0 taken for 1 (false positives)",
                               "part of class 1 found", {0, 1}, {0, 1});
    chart.line(std::vector<Point>{{0, 0}, {1, 1}}, "ideal");
    chart.line(thinned(curve, limits_.points), "blue");
    return figure("ROC curve", chart.svg(),
                  "The further the line is above the dotted one (guessing), the better the "
                  "molecules are ranked.");
  }

  std::string precision() const {
    const std::vector<Point> curve = precision_recall(rows_.truth, rows_.score);
    if (curve.empty()) return "";
    const double part =
        std::count_if(rows_.truth.begin(), rows_.truth.end(), [](double t) { return t > .5; }) /
        static_cast<double>(rows_.size());
    Chart chart = Chart::exact("Precision against recall", "part of class 1 found (recall)",
                               "part of those named 1 that are (precision)", {0, 1}, {0, 1});
    chart.line(std::vector<Point>{{0, part}, {1, part}}, "ideal");
    chart.line(thinned(curve, limits_.points), "blue");
    return figure("Precision and recall", chart.svg(),
                  fmt::format("What a screen gains: of the molecules named 1, how many are, while "
                              "more and more are taken. The dotted line is guessing ({} are 1).",
                              percent_text(part)));
  }

  std::string calibration() const {
    std::vector<Point> points;
    std::vector<std::string> tips;
    for (const CalibrationBin& bin : calibration_bins(rows_.truth, rows_.score)) {
      points.push_back({bin.score, bin.frequency});
      tips.push_back(fmt::format("{} molecules: said {}, were {}", bin.count,
                                 percent_text(bin.score), percent_text(bin.frequency)));
    }
    Chart chart = Chart::exact("Calibration", "predicted probability of class 1",
                               "part that is class 1", {0, 1}, {0, 1});
    chart.line(std::vector<Point>{{0, 0}, {1, 1}}, "ideal");
    chart.line(points, "blue");
    chart.marks(points, tips);
    return figure("Calibration", chart.svg(),
                  "Molecules in groups by their predicted probability. On the dotted line the "
                  "probabilities can be taken at their word.");
  }

  std::string confusion_table() const {
    if (target_.classes > most_classes)
      return note(fmt::format("A table of {} classes is left out.", target_.classes));
    const auto counts = confusion(rows_.measured, rows_.predicted, target_.classes);
    Cells head = {"measured"};
    for (size_t c = 0; c < counts.size(); ++c) head.push_back(fmt::format("predicted {}", c));
    head.push_back("right");
    std::vector<Cells> rows;
    for (size_t c = 0; c < counts.size(); ++c) {
      size_t all = 0;
      rows.push_back({fmt::format("{}", c)});
      for (const size_t count : counts[c]) {
        rows.back().push_back(count_text(count));
        all += count;
      }
      rows.back().push_back(
          all == 0 ? "\u2013"
                   : percent_text(static_cast<double>(counts[c][c]) / static_cast<double>(all)));
    }
    return heading(3, "Measured and predicted classes") + table(head, rows) + threshold_note();
  }

  std::string threshold_note() const {
    return target_.is_binary() ? note("Class 1 is predicted where its probability is above " +
                                      number_text(target_.threshold) + ".")
                               : note("The most probable class is predicted.");
  }

  std::string worst() const {
    std::vector<MoleculeCard> cards;
    for (const size_t i : largest_errors(rows_.doubt, limits_.molecules))
      cards.push_back(
          {rows_.rows[i],
           {fmt::format("measured class {}", rows_.measured[i]),
            fmt::format("its predicted probability: {}", percent_text(1 - rows_.doubt[i]))}});
    return heading(3, "Worst predictions of " + target_.name) +
           note("Those whose measured class the model held for least probable.") +
           molecule_cards(data_, cards);
  }

  const ReportData& data_;
  const ReportTarget& target_;
  const Limits& limits_;
  HeldOutClasses rows_;
};

}  // namespace

std::string class_section(const ReportData& data, size_t target, const Limits& limits) {
  return ClassSection(data, target, limits).markup();
}

}  // namespace molrt::report
