#include "train/rows.h"

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

}  // namespace

UsedRows find_used_rows(const HeadTrainingData& data, Task task,
                        const std::function<bool(size_t)>& usable) {
  if (data.rows > most_rows)
    fail(MOLRT_ERROR_UNSUPPORTED, "{} rows; at most {} can be trained on", data.rows, most_rows);
  UsedRows rows;
  for (size_t row = 0; row < data.rows; ++row) {
    const bool labelled = has_target(data, row, task);
    if (!usable(row))
      ++rows.failed;
    else if (!labelled)
      ++rows.without_target;
    else
      rows.used.push_back(row);
  }
  if (rows.used.empty())
    fail(MOLRT_ERROR_DATA,
         "no row can be trained on: of {} rows {} have no target value and {} molecules failed",
         data.rows, rows.without_target, rows.failed);
  return rows;
}

std::vector<Split> make_splits(const HeadSettings& settings, const std::vector<size_t>& rows) {
  return random_splits(rows, settings.folds, settings.valid_fraction, settings.seed);
}

}  // namespace molrt
