#include "probe/rows.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "model/mc.h"
#include "train/task_plan.h"

namespace molrt {
namespace {

void check_class(const ModelCard& card, const std::string& target, size_t row, double label) {
  if (card.task == Task::multiclass && label >= card.outputs())
    fail(MOLRT_ERROR_DATA, "row {}: target '{}' is {}; the model's classes are 0 to {}", row + 1,
         target, label, card.outputs() - 1);
}

void add_row(ProbeRows& rows, const Batch& batch, size_t row, std::span<const double> labels) {
  rows.rows.push_back(row);
  rows.labels.insert(rows.labels.end(), labels.begin(), labels.end());
  rows.inputs.push_back(batch.inputs(row));
  const std::vector<const Features*> conformers = batch.features(row);
  rows.conformers.push_back(conformers.size());
  for (const Features* features : conformers)
    rows.items.push_back({rows.rows.size() - 1, features, molecule_id(*features)});
}

}  // namespace

// "colour" of a multiclass model's outputs "colour_0", "colour_1" ...
std::vector<std::string> probe_target_names(const ModelCard& card) {
  if (card.task != Task::multiclass) return card.targets;
  const std::string& first = card.targets[0];
  return {first.ends_with("_0") ? first.substr(0, first.size() - 2) : "class"};
}

void check_probe_labels(const ModelCard& card, std::span<const double> labels) {
  HeadTrainingData data;
  data.target_names = probe_target_names(card);
  data.targets = static_cast<int>(data.target_names.size());
  data.rows = labels.size() / data.target_names.size();
  data.values = labels;
  for (size_t row = 0; row < data.rows; ++row)
    for (size_t target = 0; target < data.target_names.size(); ++target) {
      check_label(data, row, target, card.task);
      check_class(card, data.target_names[target], row,
                  labels[row * data.target_names.size() + target]);
    }
}

ProbeRows choose_probe_rows(const Batch& batch, const ModelCard& card,
                            std::span<const double> labels) {
  ProbeRows rows;
  rows.targets = probe_target_names(card).size();
  for (size_t row = 0; row < batch.size(); ++row) {
    const auto own = labels.subspan(row * rows.targets, rows.targets);
    if (batch.row(row).status != MOLRT_ROW_OK)
      ++rows.failed;
    else if (std::all_of(own.begin(), own.end(), [](double label) { return std::isnan(label); }))
      ++rows.without_target;
    else
      add_row(rows, batch, row, own);
  }
  if (rows.rows.empty())
    fail(MOLRT_ERROR_DATA,
         "none of the {} rows can be probed: {} have no measured value, {} no prediction",
         batch.size(), rows.without_target, rows.failed);
  return rows;
}

Outcomes probe_outcomes(const ProbeRows& rows, const ModelCard& card,
                        std::span<const float> predictions, size_t target) {
  const auto outputs = static_cast<size_t>(card.outputs());
  const size_t columns = card.task == Task::multiclass ? outputs : 1;
  Outcomes outcomes{{}, {}, columns};
  for (size_t i = 0; i < rows.rows.size(); ++i) {
    outcomes.measured.push_back(rows.labels[i * rows.targets + target]);
    const auto own = predictions.subspan(i * outputs + (columns == 1 ? target : 0), columns);
    outcomes.predicted.insert(outcomes.predicted.end(), own.begin(), own.end());
  }
  return outcomes;
}

}  // namespace molrt
