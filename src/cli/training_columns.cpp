#include "cli/training_columns.h"

#include <fmt/format.h>

#include <cmath>

#include "base/error.h"
#include "base/text.h"
#include "cli/session.h"
#include "io/split_file.h"

namespace molrt::cli {
namespace {

std::optional<size_t> find(const InputTable& table, const std::string& name) {
  return name.empty() ? std::nullopt : std::optional(table.column(name));
}

[[noreturn]] void fail_cell(const InputTable& table, const Record& record, size_t column,
                            const std::string& expected) {
  fail(MOLRT_ERROR_DATA, "{}: row {} (line {}), column '{}': '{:.60}': {}", table.name(),
       record.row, record.line, table.header()[column], record.fields[column], expected);
}

double weight(const InputTable& table, const Record& record, size_t column) {
  const auto value = table.number(record, column);
  if (!value || std::isnan(*value) || *value < 0)
    fail_cell(table, record, column, "expected a weight, 0 or more");
  return *value;
}

std::string group(const InputTable& table, const Record& record, size_t column) {
  const std::string name(trim(record.fields[column]));
  if (name.empty()) fail_cell(table, record, column, "expected the name of a group");
  return name;
}

int32_t part(const InputTable& table, const Record& record, size_t column) {
  int32_t part = 0;
  if (molrt_part_of_word(record.fields[column].c_str(), &part) != MOLRT_OK)
    fail_cell(table, record, column, "expected train, valid, test or the number of a fold from 0");
  return part;
}

}  // namespace

TrainingColumns::TrainingColumns(const TrainingColumnOptions& options, const InputTable& table)
    : weight_(find(table, options.weight)),
      group_(find(table, options.group)),
      split_(find(table, options.split)) {}

void TrainingColumns::read(const InputTable& table, const Record& record) {
  const bool good = record.problem.empty();
  if (weight_) weights_.push_back(good ? weight(table, record, *weight_) : 0);
  if (group_) groups_.push_back(good ? group(table, record, *group_) : "");
  if (split_) parts_.push_back(good ? part(table, record, *split_) : MOLRT_PART_NONE);
}

void TrainingColumns::give_to(molrt_job* job) const {
  if (weight_) check(molrt_job_set_weights(job, weights_.data(), weights_.size()));
  if (split_) check(molrt_job_set_parts(job, parts_.data(), parts_.size()));
  if (!group_) return;
  std::vector<const char*> names;
  for (const auto& name : groups_) names.push_back(name.c_str());
  check(molrt_job_set_groups(job, names.data(), names.size()));
}

void save_split(const molrt_job* job, size_t rows, const std::string& path) {
  std::vector<int32_t> parts(rows);
  check(molrt_job_get_parts(job, parts.data(), parts.size()));
  write_split_file(path, parts);
}

void add_training_column_options(CLI::App& command, TrainingColumnOptions& options) {
  const char* group = "Columns and files of the training";
  command
      .add_option("--weight-column", options.weight,
                  "Column with each row's weight in the loss: a number, 0 or more")
      ->type_name("COLUMN")
      ->group(group);
  command
      .add_option(
          "--group-column", options.group,
          "Column with the name of each row's group: groups are held out whole (--split group)")
      ->type_name("COLUMN")
      ->group(group);
  command
      .add_option(
          "--split-column", options.split,
          "Column with each row's part: train, valid or test, or the number of the fold, from "
          "0, that holds it out (--split column)")
      ->type_name("COLUMN")
      ->group(group);
  command
      .add_option("--save-split", options.save_split,
                  "Write the split that was used as JSON, for --split-file")
      ->type_name("FILE")
      ->group(group);
}

}  // namespace molrt::cli
