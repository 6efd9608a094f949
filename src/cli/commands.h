#pragma once
// The commands. Each declares itself on the application and says how it is run after parsing.
#include <CLI/CLI.hpp>
#include <functional>

namespace molrt::cli {

struct Command {
  CLI::App* app;
  std::function<void()> run;  // throws molrt::Error
};

Command finetune_command(CLI::App& app);
Command pretrain_command(CLI::App& app);
Command predict_command(CLI::App& app);
Command probe_command(CLI::App& app);
Command embed_command(CLI::App& app);
Command conformers_command(CLI::App& app);
Command convert_command(CLI::App& app);
Command inspect_command(CLI::App& app);
Command init_command(CLI::App& app);
Command cache_command(CLI::App& app);

}  // namespace molrt::cli
