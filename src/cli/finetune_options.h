#pragma once
// The command line of molrt finetune.
#include <memory>
#include <string>
#include <vector>

#include "cli/options.h"
#include "cli/settings_flags.h"
#include "cli/training_columns.h"

namespace molrt::cli {

struct FinetuneOptions {
  const CLI::App* command = nullptr;
  std::string weights, output, html, unlabelled;
  std::vector<std::string> targets, input_columns, units;
  InputOptions input;
  OpenOptions open;
  ConformerOptions conformers;
  RunOptions run;
  ReportOptions report;
  bool resume = false;
  TrainingColumnOptions columns;
  SettingsFlags flags;
};

// INVALID_ARGUMENT for what cannot go together; nothing has been read yet.
void check_finetune_options(const FinetuneOptions& options);

// The subcommand with its options, which go to `options`.
CLI::App* add_finetune_command(CLI::App& app, const std::shared_ptr<FinetuneOptions>& options);

}  // namespace molrt::cli
