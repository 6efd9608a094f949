#include "train/warnings.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "train/evaluation.h"
#include "train/task_plan.h"
#include "train/units.h"

namespace molrt {
namespace {

constexpr double constant_spread = .05;  // of the labels' spread
constexpr double ranking = .6;           // AUROC of a classifier that tells something apart

double deviation(const std::vector<double>& x) {
  double mean = 0, variance = 0;
  for (const double v : x) mean += v / static_cast<double>(x.size());
  for (const double v : x) variance += (v - mean) * (v - mean) / static_cast<double>(x.size());
  return std::sqrt(variance);
}

// A target's watched rows of all folds.
Outcomes watched(const std::vector<Fold>& folds, size_t target,
                 const std::vector<float>& predictions) {
  Outcomes all;
  for (const Fold& fold : folds) {
    std::vector<float> own;
    for (const size_t row : watched_rows(fold))
      own.insert(own.end(), predictions.begin() + static_cast<std::ptrdiff_t>(row * fold.outputs()),
                 predictions.begin() + static_cast<std::ptrdiff_t>((row + 1) * fold.outputs()));
    const Outcomes part = outcomes_of(fold, target, watched_rows(fold), own);
    all.classes = part.classes;
    all.measured.insert(all.measured.end(), part.measured.begin(), part.measured.end());
    all.predicted.insert(all.predicted.end(), part.predicted.begin(), part.predicted.end());
  }
  return all;
}

struct Spread {
  double measured, predicted;
};

// Of one column: the values, or of classes the membership and its probability.
Spread spread_of(const Outcomes& rows, size_t column) {
  std::vector<double> measured, predicted;
  for (size_t i = 0; i < rows.measured.size(); ++i) {
    const double y = rows.measured[i];
    measured.push_back(rows.classes == 1 ? y : y == static_cast<double>(column));
    predicted.push_back(rows.predicted[i * rows.classes + column]);
  }
  return {deviation(measured), deviation(predicted)};
}

void warn_of_constant(const std::string& name, const Outcomes& rows, bool classes,
                      std::vector<std::string>& warnings) {
  if (rows.measured.size() < 3) return;  // too few to tell
  if (classes && evaluate_metric(Metric::auroc, rows) > ranking) return;
  Spread widest{0, 0};
  for (size_t column = 0; column < rows.classes; ++column) {
    const Spread spread = spread_of(rows, column);
    if (!(spread.predicted < constant_spread * spread.measured)) return;
    if (spread.predicted >= widest.predicted) widest = spread;
  }
  warnings.push_back(fmt::format(
      "the predictions of '{}' are nearly constant: their standard deviation is {:.3g}, that of "
      "the measured values {:.3g}; the model tells the molecules apart no better than their mean",
      name, widest.predicted, widest.measured));
}

void warn_of_undefined(const std::string& name, const Outcomes& all, const Outcomes& complete,
                       std::vector<std::string>& warnings) {
  const auto labelled = std::count_if(all.measured.begin(), all.measured.end(),
                                      [](double y) { return !std::isnan(y); });
  const auto missing = labelled - static_cast<std::ptrdiff_t>(complete.measured.size());
  if (missing == 0) return;
  warnings.push_back(fmt::format(
      "{} predictions of '{}' are beyond what its target_scaling can give: they are NaN and do not "
      "count in the metrics",
      missing, name));
}

void warn_of_classes(const Fold& fold, size_t target, const std::vector<size_t>& rows,
                     std::vector<std::string>& warnings) {
  if (is_classification(fold.plan.task)) return;
  const bool all = std::all_of(rows.begin(), rows.end(), [&](size_t row) {
    const double y = fold.data.values[row * fold.targets() + target];
    return std::isnan(y) || y == 0 || y == 1;
  });
  if (!all) return;
  warnings.push_back(
      fmt::format("target '{}' has only the values 0 and 1: task={} would learn "
                  "their probabilities; this run took them as measured values",
                  fold.data.target_names[target],
                  task_name(fold.targets() == 1 ? Task::binary : Task::multilabel)));
}

// The rows of one molecule whose labels differ most.
void warn_of_disagreement(const Fold& fold, size_t target, const std::vector<size_t>& rows,
                          std::vector<std::string>& warnings) {
  const auto value = [&](size_t row) { return fold.data.values[row * fold.targets() + target]; };
  std::vector<double> labels;
  double most = 0;
  std::pair<size_t, size_t> pair;
  for (const auto& molecule : units_of(rows, fold.data.molecules)) {
    std::vector<size_t> labelled;
    std::ranges::copy_if(molecule, std::back_inserter(labelled),
                         [&](size_t row) { return !std::isnan(value(row)); });
    for (const size_t row : labelled) labels.push_back(value(row));
    if (labelled.size() < 2) continue;
    const auto [low, high] = std::ranges::minmax_element(labelled, {}, value);
    if (value(*high) - value(*low) > most) {
      most = value(*high) - value(*low);
      pair = std::minmax(*low, *high);
    }
  }
  if (!(most > deviation(labels))) return;
  warnings.push_back(
      fmt::format("rows {} and {} are the same molecule, but their '{}' are {:.6g} and {:.6g}: no "
                  "model can fit "
                  "both",
                  pair.first + 1, pair.second + 1, fold.data.target_names[target],
                  value(pair.first), value(pair.second)));
}

void warn_of_absent_class(const Fold& fold, std::vector<std::string>& warnings) {
  if (fold.plan.task != Task::multiclass) return;
  const auto counts = count_classes(fold.data, fold.plan, 0, fold.split.train);
  for (size_t c = 0; c < counts.size(); ++c)
    if (counts[c] == 0)
      warnings.push_back(
          fmt::format("the class {} of '{}' is not among the training rows of fold {}", c,
                      fold.data.target_names[0], fold.index + 1));
}

}  // namespace

std::vector<std::string> training_warnings(const std::vector<Fold>& folds,
                                           const std::vector<size_t>& rows,
                                           const std::vector<float>& predictions) {
  std::vector<std::string> warnings;
  for (size_t target = 0; target < folds.front().targets(); ++target) {
    const std::string& name = folds.front().data.target_names[target];
    const Outcomes all = watched(folds, target, predictions), complete = complete_rows(all);
    warn_of_classes(folds.front(), target, rows, warnings);
    warn_of_undefined(name, all, complete, warnings);
    warn_of_constant(name, complete, is_classification(folds.front().plan.task), warnings);
    warn_of_disagreement(folds.front(), target, rows, warnings);
  }
  for (const Fold& fold : folds) warn_of_absent_class(fold, warnings);
  return warnings;
}

}  // namespace molrt
