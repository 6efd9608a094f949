#include "cli/conformer_cache.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>

#include "cli/progress.h"
#include "cli/session.h"

namespace molrt::cli {
namespace {

namespace fs = std::filesystem;

constexpr const char* off = "off";
constexpr uint64_t smallest_cache = 1 << 16;  // as molrt.h has it

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

// Empty: there is no home. Relative directories do not count (XDG's base directory specification).
fs::path usual_directory() {
  if (const fs::path caches = variable("XDG_CACHE_HOME"); caches.is_absolute())
    return caches / "molrt";
  if (const fs::path home = variable("HOME"); home.is_absolute()) return home / ".cache" / "molrt";
  return {};
}

std::string chosen_path(const CacheOptions& options) {
  return options.path.empty() ? variable("MOLRT_CONFORMER_CACHE") : options.path;
}

// What was calculated is nobody else's to see.
bool make_private_directory(const fs::path& directory) {
  std::error_code error;
  fs::create_directories(directory.parent_path(), error);
  return mkdir(directory.c_str(), S_IRWXU) == 0 || fs::is_directory(directory, error);
}

molrt_conformer_cache_info info_of(const molrt_context* context) {
  auto info = defaults(molrt_conformer_cache_info_init);
  check(molrt_context_get_conformer_cache(context, &info));
  return info;
}

const char* state_name(int32_t state) {
  return state == MOLRT_CACHE_IN_USE      ? "in_use"
         : state == MOLRT_CACHE_READ_ONLY ? "read_only"
                                          : "lost";
}

}  // namespace

void add_conformer_cache_option(CLI::App& command, CacheOptions& options) {
  command
      .add_option("--conformer-cache", options.path,
                  "File that keeps conformers for later runs, shared by any number of them; off: "
                  "none [MOLRT_CONFORMER_CACHE, else conformers.sqlite in $XDG_CACHE_HOME/molrt or "
                  "~/.cache/molrt]")
      ->type_name("FILE|off")
      ->group("Conformers");
}

void add_conformer_cache_size_option(CLI::App& command, CacheOptions& options) {
  command
      .add_option("--conformer-cache-size", options.max_bytes,
                  "Most bytes of that file, such as 500MB; what was used longest ago goes first")
      ->transform(CLI::AsSizeValue(false).description(""))
      ->check(at_least(smallest_cache))
      ->type_name("BYTES")
      ->default_str("1GB")
      ->group("Conformers");
}

std::string conformer_cache_path(const CacheOptions& options) {
  const std::string chosen = chosen_path(options);
  if (chosen == off) return "";
  if (!chosen.empty()) return chosen;
  const fs::path directory = usual_directory();
  return directory.empty() ? "" : (directory / "conformers.sqlite").string();
}

void use_conformer_cache(molrt_context* context, const CacheOptions& options, Progress& progress) {
  const std::string path = conformer_cache_path(options);
  if (path.empty()) return;
  if (chosen_path(options).empty() && !make_private_directory(fs::path(path).parent_path())) {
    const auto text =
        fmt::format("no conformer cache: {} cannot be made", fs::path(path).parent_path().string());
    return progress.log(MOLRT_LOG_INFO, text.c_str());
  }
  check(molrt_context_set_conformer_cache(context, path.c_str(), options.max_bytes));
}

void say_conformers(const molrt_context* context, Progress& progress) {
  const auto info = info_of(context);
  if (info.state == MOLRT_CACHE_OFF) return;
  progress.say(fmt::format("  conformers: {} from the cache, {} built", info.found, info.built));
}

void add_conformers(const molrt_context* context, nlohmann::ordered_json& json) {
  const auto info = info_of(context);
  if (info.state == MOLRT_CACHE_OFF) return;
  json["conformer_cache"] = {
      {"state", state_name(info.state)}, {"found", info.found}, {"built", info.built}};
}

}  // namespace molrt::cli
