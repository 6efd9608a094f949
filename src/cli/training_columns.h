#pragma once
// Columns of the training table beside the targets: weights, groups, the split.
#include <CLI/CLI.hpp>
#include <optional>
#include <string>
#include <vector>

#include "cli/input.h"

namespace molrt::cli {

struct TrainingColumnOptions {
  std::string weight, group, split;  // names; empty: none
  std::string save_split;            // path; empty: not written
};

void add_training_column_options(CLI::App& command, TrainingColumnOptions& options);

class TrainingColumns {
 public:
  // INVALID_ARGUMENT for a column that the table lacks.
  TrainingColumns(const TrainingColumnOptions& options, const InputTable& table);

  // DATA error naming row and column for a cell that says nothing usable. A record with a problem
  // is passed over.
  void read(const InputTable& table, const Record& record);
  void give_to(molrt_job* job) const;

 private:
  std::optional<size_t> weight_, group_, split_;
  std::vector<double> weights_;
  std::vector<std::string> groups_;
  std::vector<int32_t> parts_;
};

// The split that the job has used, [rows], as a file that --split-file takes.
void save_split(const molrt_job* job, size_t rows, const std::string& path);

}  // namespace molrt::cli
