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
#include "cli/output.h"
#include "molrt.h"

namespace molrt::cli {
namespace {

namespace fs = std::filesystem;

template <size_t size>
bool is_one_of(const std::string& name, const std::array<const char*, size>& names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool changes_no_bytes(const std::string& name) {
  static constexpr std::array names = {
      "help",    "output", "resume", "threads",         "batch-size",          "quiet",
      "verbose", "json",   "report", "conformer-cache", "conformer-cache-size"};
  return is_one_of(name, names);
}

bool names_files(const std::string& name) {
  static constexpr std::array names = {"input",   "exclude",    "model",
                                       "weights", "dictionary", "split-file"};
  return is_one_of(name, names);
}

std::vector<std::string> values(const CLI::Option& option) {
  if (!option.results().empty()) return option.results();
  return option.get_default_str().empty() ? std::vector<std::string>()
                                          : std::vector{option.get_default_str()};
}

uint32_t crc_of(std::ifstream& file, uint64_t size) {
  std::vector<char> block(1 << 20);
  uint32_t crc = 0;
  while (size > 0 && file) {
    file.read(block.data(), static_cast<std::streamsize>(std::min<uint64_t>(size, block.size())));
    const auto got = static_cast<uint64_t>(file.gcount());
    crc = static_cast<uint32_t>(
        crc32_z(crc, reinterpret_cast<const Bytef*>(block.data()), static_cast<size_t>(got)));
    size -= got;
  }
  return crc;
}

// Tables are read through before the work in any case; of weights the ends are where they differ.
// Not the time of change: a copy is as good.
Json regular_file_facts(const fs::path& path, uint64_t size, bool whole) {
  constexpr uint64_t most = 1 << 19;
  std::ifstream file(path, std::ios::binary);
  Json facts = {{"size", size}};
  if (whole || size <= 2 * most) {
    facts["crc32"] = crc_of(file, size);
  } else {
    facts["crc32_of_start"] = crc_of(file, most);
    file.seekg(static_cast<std::streamoff>(size - most));
    facts["crc32_of_end"] = crc_of(file, most);
  }
  return facts;
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
      facts[as_utf8(name)] =
          regular_file_facts(file->path(), static_cast<uint64_t>(status.st_size), false);
  }
  return facts;
}

Json file_facts(const fs::path& path, bool table) {
  Json facts = {{"path", as_utf8(fs::absolute(path).string())}};
  struct stat status;
  if (stat(path.c_str(), &status) != 0) return facts;  // opening it tells
  if (S_ISREG(status.st_mode))
    facts.update(regular_file_facts(path, static_cast<uint64_t>(status.st_size), table));
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
      fact.push_back(names_files(name) ? file_facts(value, name == "input") : Json(as_utf8(value)));
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

bool is_same_file(const std::string& one, const std::string& other) {
  std::error_code not_both;
  return fs::equivalent(one, other, not_both) ||
         fs::weakly_canonical(one, not_both) == fs::weakly_canonical(other, not_both);
}

namespace {

// The same file, or one that is read of a directory.
bool is_read(const std::string& output, const std::string& input) {
  std::error_code not_both;
  if (!fs::is_regular_file(output, not_both)) return false;
  if (!fs::is_directory(input, not_both)) return fs::equivalent(input, output, not_both);
  const auto real = fs::canonical(output, not_both);
  return fs::equivalent(real.parent_path(), input, not_both) &&
         is_read_of_directory(real.filename().string());
}

}  // namespace

void check_output_is_no_input(const CLI::App& command, const std::string& output) {
  if (output == "-") return;
  for (const auto* option : command.get_options()) {
    const auto name = option->get_single_name();
    if (!names_files(name)) continue;
    for (const auto& path : values(*option)) {
      if (is_read(output, path == "-" ? "/dev/stdin" : path)) {
        fail(MOLRT_ERROR_INVALID_ARGUMENT, "{}: is what {}{} reads; take another output", output,
             option->get_positional() ? "the " : "--", name);
      }
    }
  }
}

void check_report_page(const CLI::App& command, const std::string& page,
                       const std::string& output) {
  if (page.empty()) return;
  if (page == "-") fail(MOLRT_ERROR_INVALID_ARGUMENT, "--report -: goes to a file; name one");
  check_output_is_no_input(command, page);
  if (is_same_file(page, output))
    fail(MOLRT_ERROR_INVALID_ARGUMENT, "{}: --report and --output are the same file", page);
  check_file_output(page);
}

}  // namespace molrt::cli
