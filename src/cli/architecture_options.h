#pragma once
// A new network's kind and sizes.
#include <cstdint>
#include <string>

#include "cli/options.h"
#include "cli/session.h"

namespace molrt::cli {

struct ArchitectureOptions {
  std::string arch = "molecule", hydrogens = "auto", layout = "auto";
  int layers = 0, width = 0, ffn = 0, heads = 0;  // 0: the official sizes
};

// The options, which are also returned.
std::vector<CLI::Option*> add_architecture_options(CLI::App& command, ArchitectureOptions& options);

Model untrained_model(molrt_context* context, const ArchitectureOptions& options, uint64_t seed);

}  // namespace molrt::cli
