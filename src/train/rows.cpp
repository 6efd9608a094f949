#include "train/rows.h"

#include <cmath>
#include <limits>

#include "base/error.h"

namespace molrt {
namespace {

// Checks the row's cells on the way.
bool has_target(const HeadTrainingData& data, size_t row) {
  const auto count = static_cast<size_t>(data.targets);
  bool found = false;
  for (size_t target = 0; target < count; ++target) {
    const double value = data.values[row * count + target];
    if (std::isinf(value))
      fail(MOLRT_ERROR_DATA, "row {}: target '{}' is infinite", row + 1, data.target_names[target]);
    if (std::fabs(value) > std::numeric_limits<float>::max())
      fail(MOLRT_ERROR_DATA, "row {}: target '{}' is {}, beyond float32", row + 1,
           data.target_names[target], value);
    found = found || !std::isnan(value);
  }
  return found;
}

}  // namespace

UsedRows find_used_rows(const HeadTrainingData& data, const std::function<bool(size_t)>& usable) {
  if (data.rows > most_rows)
    fail(MOLRT_ERROR_UNSUPPORTED, "{} rows; at most {} can be trained on", data.rows, most_rows);
  UsedRows rows;
  for (size_t row = 0; row < data.rows; ++row) {
    const bool labelled = has_target(data, row);
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
