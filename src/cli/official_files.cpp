#include "cli/official_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "base/error.h"
#include "cli/outline.h"
#include "cli/session.h"
#include "cli/tally.h"

namespace molrt::cli {
namespace {

Json official_files() { return Json::parse(read_text(molrt_official_weights_describe)); }

Json for_people(Json file) {
  const auto margin = file["bytes_margin"].get<uint64_t>();
  if (margin != 0)
    file["bytes"] = fmt::format("about {} MB", file["bytes"].get<uint64_t>() / 1000000);
  if (file["sha256"].is_null()) file["sha256"] = "not known: convert tells the one of your file";
  file["homes"] = fmt::format("{} (or {})", file["homes"][0].get<std::string>(),
                              file["homes"][1].get<std::string>());
  for (const char* spare : {"bytes_margin", "name"}) file.erase(spare);
  return file;
}

}  // namespace

void list_official(bool as_json) {
  const Json files = official_files();
  if (as_json) return print_json(files, false);
  std::string text;
  for (const Json& file : files)
    text += fmt::format("{}\n{}", file["name"].get<std::string>(), outline(for_people(file), 2));
  print_text(text);
}

Json verify_official(const std::string& path) {
  try {
    return Json::parse(read_text([&](char* buffer, size_t capacity, size_t* needed) {
      return molrt_official_weights_verify(path.c_str(), buffer, capacity, needed);
    }));
  } catch (const Error& error) {
    if (error.status() != MOLRT_ERROR_FORMAT) throw;
    fail(MOLRT_ERROR_FORMAT, "{}; --unverified goes on with it as it is", error.what());
  }
}

void check_claims_to_be_official(const std::string& path) {
  const Json files = official_files();
  const std::string name = std::filesystem::path(path).filename();
  if (std::none_of(files.begin(), files.end(),
                   [&](const Json& file) { return file["name"] == name; }))
    fail(MOLRT_ERROR_INVALID_ARGUMENT,
         "--unverified: has no effect on {}, which does not have the name of an official file",
         path);
}

}  // namespace molrt::cli
