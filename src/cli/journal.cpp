#include "cli/journal.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/error.h"
#include "base/file.h"
#include "base/text.h"

namespace molrt::cli {

namespace fs = std::filesystem;

std::optional<Checkpoint> Journal::read() {
  std::ifstream file(path_, std::ios::binary);
  if (!file) return std::nullopt;
  try {
    const auto json = Json::parse(file);
    read_facts_ = json.at("run");
    return Checkpoint{json.at("rows"),        json.at("bytes"), json.at("head"), json.at("crc32"),
                      json.at("input_crc32"), json.at("data"),  json.at("state")};
  } catch (const Json::exception& error) {
    fail_broken(error);
  }
}

void Journal::fail_broken(const Json::exception& error) const {
  fail(MOLRT_ERROR_FORMAT, "{}: is broken ({}); remove it, and the run starts over", path_,
       error.what());
}

void Journal::check_same_run() const {
  const auto difference = first_difference(read_facts_, facts_);
  if (difference.empty()) return;
  fail(MOLRT_ERROR_INVALID_ARGUMENT,
       "--resume: {}: of another run: {}; give what was given then, or leave out --resume to start "
       "over",
       path_, difference);
}

void Journal::write(const Checkpoint& checkpoint) const {
  const Json json = {{"run", facts_},
                     {"rows", checkpoint.rows},
                     {"data", as_utf8(checkpoint.place)},
                     {"bytes", checkpoint.bytes},
                     {"head", checkpoint.head},
                     {"crc32", checkpoint.crc},
                     {"input_crc32", checkpoint.input_crc},
                     {"state", checkpoint.state}};
  const auto text = json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
  write_whole(path_, text);
}

void Journal::remove() const { unlink(path_.c_str()); }

void Journal::remove_leftovers() const {
  const auto hidden = "." + fs::path(path_).filename().string() + ".tmp-";
  const auto directory = fs::path(path_).parent_path();
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(directory.empty() ? "." : directory, error)) {
    if (entry.path().filename().string().starts_with(hidden)) fs::remove(entry.path(), error);
  }
}

}  // namespace molrt::cli
