#pragma once
// The command line of molrt pretrain.
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/architecture_options.h"
#include "cli/options.h"
#include "cli/settings_flags.h"

namespace molrt::cli {

struct PretrainOptions {
  const CLI::App* command = nullptr;
  std::vector<std::string> inputs, targets, excluded;
  std::string weights, output, html, dtype = "keep";
  InputOptions input;  // of all tables, but their path
  ArchitectureOptions architecture;
  ConformerOptions conformers;
  RunOptions run;
  ReportOptions report;
  bool resume = false;
  SettingsFlags flags{pretraining_settings};
  std::vector<CLI::Option*> sizes;  // of a new network
};

// INVALID_ARGUMENT for what cannot go together; nothing has been read yet.
void check_pretrain_options(const PretrainOptions& options);

// The subcommand with its options, which go to `options`.
CLI::App* add_pretrain_command(CLI::App& app, const std::shared_ptr<PretrainOptions>& options);

// The weights to go on with, or a new network.
Model first_model(molrt_context* context, const PretrainOptions& options, molrt_settings* settings);

// What the end of the report's curves says.
std::vector<std::string> curve_end(const nlohmann::ordered_json& report);

}  // namespace molrt::cli
