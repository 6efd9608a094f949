// molrt cache: what is in the file that keeps conformers, and how to empty it.
#include <fmt/format.h>

#include <memory>

#include "base/error.h"
#include "cli/commands.h"
#include "cli/conformer_cache.h"
#include "cli/outline.h"
#include "cli/session.h"
#include "cli/tally.h"

namespace molrt::cli {
namespace {

struct CacheCommandOptions {
  std::string action;
  CacheOptions cache;
  bool json = false;
};

std::string checked_path(const CacheOptions& options) {
  const std::string path = conformer_cache_path(options);
  if (path.empty())
    fail(MOLRT_ERROR_INVALID_ARGUMENT,
         "the conformer cache is off, or there is no home for it; name one with --conformer-cache");
  return path;
}

Json description(const std::string& path) {
  return Json::parse(read_text([&](char* buffer, size_t capacity, size_t* needed) {
    return molrt_conformer_cache_describe(path.c_str(), buffer, capacity, needed);
  }));
}

void run_cache(const CacheCommandOptions& options) {
  const std::string path = checked_path(options.cache);
  if (options.action == "clear") check(molrt_conformer_cache_clear(path.c_str()));
  const Json json = description(path);
  if (options.json) return print_json(json, false);
  print_text(fmt::format("{}: {} conformers, {:.1f} MB\n", path, json["conformers"].get<uint64_t>(),
                         json["bytes"].get<double>() / 1e6));
}

}  // namespace

Command cache_command(CLI::App& app) {
  auto* command = app.add_subcommand(
      "cache", "Look at the file that keeps conformers for later runs, or empty it");
  auto options = std::make_shared<CacheCommandOptions>();
  command->add_option("action", options->action, "info: what is in it; clear: remove all of it")
      ->required()
      ->check(CLI::IsMember({"info", "clear"}).description(""))
      ->type_name("{info|clear}");
  add_conformer_cache_option(*command, options->cache);
  command->add_flag("--json", options->json, "As one JSON object");
  return {command, [options] { run_cache(*options); }};
}

}  // namespace molrt::cli
