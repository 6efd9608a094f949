#include "train/rows.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "train/task_plan.h"

namespace molrt {
namespace {

// Checks the row's cells on the way.
bool has_target(const HeadTrainingData& data, size_t row, Task task) {
  const auto count = static_cast<size_t>(data.targets);
  bool found = false;
  for (size_t target = 0; target < count; ++target) {
    check_label(data, row, target, task);
    found = found || !std::isnan(data.values[row * count + target]);
  }
  return found;
}

void check_training_side(const HeadTrainingData& data, const HeadSettings& settings,
                         const Split& split, size_t fold) {
  if (settings.patience > 0 && split.held_out.empty())
    fail(MOLRT_ERROR_DATA, "patience = {}: the split holds nothing out to stop by",
         settings.patience);
  const auto has_weight = [&](size_t row) { return data.weights[row] > 0; };
  if (!data.weights.empty() && std::none_of(split.train.begin(), split.train.end(), has_weight))
    fail(MOLRT_ERROR_DATA, "all {} training rows of fold {} have weight 0", split.train.size(),
         fold + 1);
}

}  // namespace

void check_training_side(const HeadTrainingData& data, const HeadSettings& settings,
                         const SplitPlan& plan) {
  for (size_t fold = 0; fold < plan.folds.size(); ++fold)
    check_training_side(data, settings, plan.folds[fold], fold);
}

UsedRows find_used_rows(const HeadTrainingData& data, Task task,
                        const std::function<bool(size_t)>& usable) {
  if (data.rows > most_rows)
    fail(MOLRT_ERROR_UNSUPPORTED, "{} rows; at most {} can be trained on", data.rows, most_rows);
  UsedRows rows;
  for (size_t row = 0; row < data.rows; ++row) {
    const bool labelled = has_target(data, row, task);
    if (!data.parts.empty() && data.parts[row] == MOLRT_PART_NONE)
      ++rows.outside_split;
    else if (!usable(row))
      ++rows.failed;
    else if (!labelled)
      ++rows.without_target;
    else
      rows.used.push_back(row);
  }
  if (rows.used.empty())
    fail(MOLRT_ERROR_DATA,
         "no row can be trained on: of {} rows {} have no target value, {} molecules failed and {} "
         "are in no part of the split",
         data.rows, rows.without_target, rows.failed, rows.outside_split);
  return rows;
}

void check_labels(const HeadTrainingData& data, const HeadSettings& settings) {
  const UsedRows rows = find_used_rows(data, settings.task.task, [](size_t) { return true; });
  const SplitKind kind = settings.split.kind;
  if (kind == SplitKind::given) return;  // some rows may be in no part
  if (rows.used.size() < 2) return;      // what its molecule is tells more
  const TaskPlan plan = plan_task(data, settings.task, rows.used);
  fit_targets(data.values, data.target_names, rows.used, settings.task.scaling, "the table");
  if (kind == SplitKind::random || kind == SplitKind::stratified)
    plan_split(data, settings.split, rows.used);
}

}  // namespace molrt
