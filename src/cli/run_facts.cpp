#include "cli/run_facts.h"

#include <sys/stat.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <vector>

#include "base/error.h"
#include "base/text.h"
#include "molrt.h"

namespace molrt::cli {
namespace {

namespace fs = std::filesystem;

template <size_t size>
bool is_one_of(const std::string& name, const std::array<const char*, size>& names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool changes_no_bytes(const std::string& name) {
  static constexpr std::array names = {"help",       "output", "resume",  "threads",
                                       "batch-size", "quiet",  "verbose", "json"};
  return is_one_of(name, names);
}

bool names_files(const std::string& name) {
  static constexpr std::array names = {"input", "model", "weights", "dictionary"};
  return is_one_of(name, names);
}

std::vector<std::string> values(const CLI::Option& option) {
  if (!option.results().empty()) return option.results();
  return option.get_default_str().empty() ? std::vector<std::string>()
                                          : std::vector{option.get_default_str()};
}

// The ends of a file: where weight files and tables differ, at the cost of a megabyte.
uint32_t crc_of_ends(const fs::path& path, uint64_t size) {
  constexpr uint64_t most = 1 << 19;
  std::string ends(std::min(size, 2 * most), '\0');
  std::ifstream file(path, std::ios::binary);
  if (ends.size() < size) {
    file.read(ends.data(), most);
    file.seekg(static_cast<std::streamoff>(size - most)).read(ends.data() + most, most);
  } else {
    file.read(ends.data(), static_cast<std::streamsize>(ends.size()));
  }
  return static_cast<uint32_t>(
      crc32_z(0, reinterpret_cast<const Bytef*>(ends.data()), ends.size()));
}

Json regular_file_facts(const fs::path& path, const struct stat& status) {
  const auto size = static_cast<uint64_t>(status.st_size);
  return {{"size", size},
          {"mtime", fmt::format("{}.{:09}", status.st_mtim.tv_sec, status.st_mtim.tv_nsec)},
          {"crc32_of_ends", crc_of_ends(path, size)}};
}

// What molrt reads of a directory saved by unimol_tools: results may go into it, too.
bool is_read_of_directory(const std::string& name) {
  static constexpr std::array names = {"config.yaml", "target_scaler.ss", "threshold.dat"};
  return is_one_of(name, names) || name.ends_with(".dict.txt") ||
         (name.starts_with("model_") && name.ends_with(".pth"));
}

Json directory_facts(const fs::path& path) {
  Json facts = Json::object();
  std::error_code error;  // opening it tells
  for (fs::directory_iterator file(path, error), end; file != end; file.increment(error)) {
    const auto name = file->path().filename().string();
    struct stat status;
    const bool read = is_read_of_directory(name) && stat(file->path().c_str(), &status) == 0;
    if (read && S_ISREG(status.st_mode))
      facts[as_utf8(name)] = regular_file_facts(file->path(), status);
  }
  return facts;
}

Json file_facts(const fs::path& path) {
  Json facts = {{"path", as_utf8(fs::absolute(path).string())}};
  struct stat status;
  if (stat(path.c_str(), &status) != 0) return facts;  // opening it tells
  if (S_ISREG(status.st_mode)) facts.update(regular_file_facts(path, status));
  if (S_ISDIR(status.st_mode)) facts.update(directory_facts(path));
  return facts;
}

std::string shown(const Json& value) {
  if (value.is_array() && value.size() == 1) return shown(value[0]);
  return value.is_null()     ? "not given"
         : value.is_string() ? value.get<std::string>()
                             : value.dump();
}

}  // namespace

Json run_facts(const CLI::App& command) {
  Json facts = {{"molrt", molrt_version_text()},
                {"build", molrt_build_info()},
                {"command", command.get_name()}};
  for (const auto* option : command.get_options()) {
    const auto name = option->get_single_name();
    if (changes_no_bytes(name)) continue;
    auto& fact = facts[option->get_positional() ? name : "--" + name];
    for (const auto& value : values(*option)) {
      fact.push_back(names_files(name) ? file_facts(value) : Json(as_utf8(value)));
    }
  }
  return facts;
}

std::string first_difference(const Json& was, const Json& is) {
  if (was.is_array() && is.is_array() && was.size() == is.size()) {
    for (size_t i = 0; i < was.size(); ++i) {
      const auto difference = first_difference(was[i], is[i]);
      if (!difference.empty()) return difference;
    }
    return "";
  }
  if (!was.is_object() || !is.is_object()) {
    return was == is ? "" : fmt::format("was {} and is {}", shown(was), shown(is));
  }
  auto keys = is;
  keys.update(was);
  for (const auto& [key, ignored] : keys.items()) {
    if (key == "path") continue;  // a file may be moved
    const auto difference = first_difference(was.value(key, Json()), is.value(key, Json()));
    if (!difference.empty()) return key + " " + difference;
  }
  return "";
}

void check_output_is_no_input(const CLI::App& command, const std::string& output) {
  if (output == "-") return;
  for (const auto* option : command.get_options()) {
    const auto name = option->get_single_name();
    if (!names_files(name)) continue;
    for (const auto& path : values(*option)) {
      std::error_code not_both;
      if (fs::is_regular_file(output, not_both) &&
          fs::equivalent(path == "-" ? "/dev/stdin" : path, output, not_both)) {
        fail(MOLRT_ERROR_INVALID_ARGUMENT, "{}: is what {}{} reads; take another output", output,
             option->get_positional() ? "the " : "--", name);
      }
    }
  }
}

}  // namespace molrt::cli
