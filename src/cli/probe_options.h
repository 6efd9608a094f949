#pragma once
// The command line of molrt probe.
#include <memory>
#include <string>
#include <vector>

#include "cli/options.h"
#include "molrt.h"

namespace molrt::cli {

struct ProbeOptions {
  const CLI::App* command = nullptr;
  std::string model, html;
  std::vector<std::string> targets;
  std::string layers, rates, attribution = "both";  // as given
  uint64_t seed = 0;
  InputOptions input;
  OpenOptions open;
  ConformerOptions conformers;
  RunOptions run;
  ReportOptions report;
};

// Lists behind --layers and --rates; empty: the library's own choice. INVALID_ARGUMENT for a word
// that is none. `layers`: that the model has, for "all".
std::vector<int32_t> layer_list(const ProbeOptions& options, int32_t layers);
std::vector<double> rate_list(const ProbeOptions& options);
uint32_t attribution_flags(const ProbeOptions& options);  // MOLRT_ATTRIBUTION_*

// INVALID_ARGUMENT for what cannot go together or be written; nothing has been read yet.
void check_probe_options(const ProbeOptions& options);

// The subcommand with its options, which go to `options`.
CLI::App* add_probe_command(CLI::App& app, const std::shared_ptr<ProbeOptions>& options);

}  // namespace molrt::cli
