#pragma once
// The file that keeps conformers for later runs: which one it is, and what it was good for.
#include <nlohmann/json.hpp>
#include <string>

#include "cli/options.h"
#include "molrt.h"

namespace molrt::cli {

class Progress;

void add_conformer_cache_option(CLI::App& command, CacheOptions& options);
void add_conformer_cache_size_option(CLI::App& command, CacheOptions& options);

// By --conformer-cache, else MOLRT_CONFORMER_CACHE, else $XDG_CACHE_HOME or ~/.cache; empty: off.
std::string conformer_cache_path(const CacheOptions& options);

// For all calls with the context from now on. The usual file's directory is made; where it cannot
// be there is no cache, and no error.
void use_conformer_cache(molrt_context* context, const CacheOptions& options, Progress& progress);

// "conformers: 1100 from the cache, 28 built", and the same under `conformer_cache`. Nothing where
// it is off.
void say_conformers(const molrt_context* context, Progress& progress);
void add_conformers(const molrt_context* context, nlohmann::ordered_json& json);

}  // namespace molrt::cli
