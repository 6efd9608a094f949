#include "train/row_columns.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/parallel.h"
#include "chem/canonical.h"
#include "chem/scaffold.h"
#include "io/split_file.h"
#include "train/given_parts.h"

namespace molrt {
namespace {

// [rows]: name(row) where there is a molecule, else "". On all threads.
std::vector<std::string> name_rows(const Batch& batch, int threads,
                                   const std::function<bool()>& cancelled,
                                   const std::function<std::string(size_t)>& name) {
  std::vector<std::string> names(batch.size());
  parallel_for(threads, batch.size(), [&](size_t row, int) {
    if (cancelled()) fail(MOLRT_ERROR_CANCELLED, "the training was cancelled");
    if (batch.row(row).status == MOLRT_ROW_OK) names[row] = name(row);
  });
  return names;
}

template <typename T>
std::string bytes_of(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

// Given atoms have no bonds to tell a molecule by: the same are the same atoms at the same places.
std::string molecule_name(const Batch& batch, size_t row) {
  if (batch.is_atoms(row)) {
    const Conformer& conformer = batch.conformer(row, 0);
    return bytes_of(conformer.atomic_numbers) + bytes_of(conformer.coordinates);
  }
  try {
    return canonical_smiles(batch.text(row));
  } catch (const Error& error) {
    if (error.status() != MOLRT_ERROR_STATE) throw;
    return batch.text(row).text;  // too large a structure
  }
}

std::string scaffold_name(const Batch& batch, size_t row, bool chiral) {
  if (batch.is_atoms(row))
    fail(MOLRT_ERROR_DATA,
         "row {} was given as atoms without bonds: it has no scaffold to split by", row + 1);
  return murcko_scaffold(batch.text(row), chiral);
}

void check_use(const char* column, bool given, bool used, const std::string& split) {
  if (given && !used)
    fail(MOLRT_ERROR_INVALID_ARGUMENT, "{} are given, but split={} does not use them", column,
         split);
  if (used && !given)
    fail(MOLRT_ERROR_INVALID_ARGUMENT,
         "split={0} needs {1}, and none are given (--{2}-column; {1}=; molrt_job_set_{1})", split,
         column, split == "group" ? "group" : "split");
}

}  // namespace

void RowColumns::check_rows(const char* name, size_t found) const {
  if (found != rows_)
    fail(MOLRT_ERROR_INVALID_ARGUMENT, "{} {}: expected one for each of the {} rows", found, name,
         rows_);
}

void RowColumns::set_weights(std::vector<double> weights) {
  check_rows("weights", weights.size());
  for (size_t row = 0; row < rows_; ++row)
    if (!std::isfinite(weights[row]) || weights[row] < 0)
      fail(MOLRT_ERROR_INVALID_ARGUMENT, "row {}: weight {}: expected a finite number, 0 or more",
           row + 1, weights[row]);
  if (std::all_of(weights.begin(), weights.end(), [](double w) { return w == 0; }))
    fail(MOLRT_ERROR_INVALID_ARGUMENT, "all {} weights are 0", rows_);
  weights_ = std::move(weights);
}

void RowColumns::set_groups(std::vector<std::string> groups) {
  check_rows("groups", groups.size());
  groups_ = std::move(groups);
}

void RowColumns::set_parts(std::vector<int32_t> parts) {
  check_rows("parts", parts.size());
  count_given_folds(parts);
  parts_ = std::move(parts);
}

void RowColumns::settle(Settings& settings) {
  if (!settings.is_set("split") && !settings.is_set("split_file")) {
    if (!groups_.empty()) settings.set_text("split", "group");
    if (groups_.empty() && !parts_.empty()) settings.set_text("split", "column");
  }
  const std::string split = settings.text("split");
  check_use("groups", !groups_.empty(), split == "group", split);
  check_use("parts", !parts_.empty(), split == "column", split);
  read_split_settings(settings);  // for its errors, before any file is read
  if (split == "file") set_parts(read_split_file(settings.text("split_file"), rows_));
  if (!parts_.empty()) settle_folds(settings);
  settings.validate();  // before hours of work
}

void RowColumns::settle_folds(Settings& settings) const {
  const auto folds = static_cast<int64_t>(count_given_folds(parts_));
  if (settings.is_set("folds") && settings.i64("folds") != folds)
    fail(MOLRT_ERROR_INVALID_ARGUMENT, "setting 'folds' is {}, but the given split has {}",
         settings.i64("folds"), folds);
  settings.set_i64("folds", folds);
}

void RowColumns::describe_molecules(const Batch& batch, const Settings& settings, int threads,
                                    const std::function<bool()>& cancelled) {
  molecules_ =
      name_rows(batch, threads, cancelled, [&](size_t row) { return molecule_name(batch, row); });
  const std::string split = settings.text("split");
  if (split != "scaffold" && split != "scaffold_moleculenet") return;
  const bool chiral = split == "scaffold";
  groups_ = name_rows(batch, threads, cancelled,
                      [&](size_t row) { return scaffold_name(batch, row, chiral); });
}

void RowColumns::give(HeadTrainingData& data) const {
  data.weights = weights_;
  data.molecules = molecules_;
  data.groups = groups_;
  data.parts = parts_;
}

}  // namespace molrt
