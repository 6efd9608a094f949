#include "cli/training_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "base/text.h"
#include "cli/signals.h"

namespace molrt::cli {
namespace {

double label(const InputTable& table, const Record& record, size_t column) {
  if (!record.problem.empty()) return std::numeric_limits<double>::quiet_NaN();
  const auto& cell = record.fields[column];
  const auto value = table.number(record, column);
  const bool too_large = value && std::abs(*value) > std::numeric_limits<float>::max();
  if (value && !too_large) return *value;
  fail(MOLRT_ERROR_DATA, "{}: row {} (line {}), column '{}': '{:.60}' is {}", table.name(),
       record.row, record.line, table.header()[column], cell,
       too_large ? "too large: float32 ends at 3.4e38"
       : cell.find(',') != std::string::npos
           ? "no number; with a decimal comma say --decimal-comma"
           : "no number (a missing value is an empty cell, NaN, NA or N/A)");
}

// The model's name for a column, which may have been asked for by its position.
std::string target_name(const InputTable& table, size_t column) {
  const std::string name(trim(table.header()[column]));
  if (name.empty()) return fmt::format("column_{}", column + 1);
  if (is_utf8(name)) return name;
  fail(MOLRT_ERROR_FORMAT, "{}: the column name {} is not UTF-8; say its --encoding", table.name(),
       in_quotes(name));
}

// The columns' places; their names go to `names`.
std::vector<size_t> find_columns(const InputTable& table, const std::vector<std::string>& asked,
                                 std::vector<std::string>& names) {
  std::vector<size_t> columns;
  for (const auto& column : asked) {
    columns.push_back(table.column(column));
    names.push_back(target_name(table, columns.back()));
  }
  return columns;
}

void check_distinct(const char* flag, const std::vector<std::string>& columns) {
  for (auto column = columns.begin(); column != columns.end(); ++column) {
    if (std::find(columns.begin(), column, *column) != column) {
      fail(MOLRT_ERROR_INVALID_ARGUMENT, "{} {} is given twice", flag, *column);
    }
  }
}

void check_columns(const TrainingTable& data) {
  check_distinct("--target", data.targets);
  check_distinct("--input-column", data.columns);
  for (const auto& column : data.columns) {
    if (std::find(data.targets.begin(), data.targets.end(), column) != data.targets.end()) {
      fail(MOLRT_ERROR_INVALID_ARGUMENT, "--input-column {} is a --target too", column);
    }
  }
}

}  // namespace

TrainingTable read_training_table(InputTable& table, const AskedColumns& asked,
                                  TrainingColumns& beside, molrt_batch* batch) {
  TrainingTable data;
  const auto columns = find_columns(table, asked.targets, data.targets);
  const auto inputs = find_columns(table, asked.inputs, data.columns);
  for (Record record; table.next(record); check_signals()) {
    table.add_to(batch, record);
    data.smiles.push_back(table.smiles(record));
    data.places.push_back(fmt::format("row {} (line {})", record.row, record.line));
    data.problems.push_back(record.problem);
    for (const size_t column : columns) data.values.push_back(label(table, record, column));
    for (const size_t column : inputs) data.inputs.push_back(label(table, record, column));
    beside.read(table, record);
  }
  data.counts = table.counts();
  if (data.smiles.empty()) fail(MOLRT_ERROR_DATA, "{} has no rows", table.name());
  check_columns(data);
  return data;
}

Tally tally_of(const TrainingTable& data, const std::function<molrt_row(size_t)>& row,
               const std::function<const char*(size_t)>& message) {
  Tally tally;
  tally.set_counts(data.counts);
  for (size_t i = 0; i < data.smiles.size(); ++i) {
    if (data.problems[i].empty())
      tally.add(row(i), data.places[i], data.smiles[i], message(i));
    else
      tally.add_bad_row(data.places[i], data.problems[i]);
  }
  return tally;
}

UnlabelledTable read_unlabelled_table(const FinetuneOptions& options, molrt_batch* batch) {
  InputOptions input;
  input.path = options.unlabelled;
  input.encoding = options.input.encoding;
  input.decimal_comma = options.input.decimal_comma;
  InputTable table(input);
  UnlabelledTable data;
  const auto inputs = find_columns(table, options.input_columns, data.columns);
  for (Record record; table.next(record); check_signals(), ++data.rows) {
    table.add_to(batch, record);
    for (const size_t column : inputs) data.inputs.push_back(label(table, record, column));
  }
  if (data.rows == 0) fail(MOLRT_ERROR_DATA, "{} has no rows", table.name());
  return data;
}

}  // namespace molrt::cli
