#include "io/shipped_models.h"

#include <dlfcn.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <filesystem>

#include "base/error.h"

namespace molrt {
namespace {

namespace fs = std::filesystem;

constexpr const char* folder = "share/molrt/models";
constexpr std::array names = {"molecule", "oled"};

// Of the library, or of the program that molrt is linked into.
fs::path own_file() {
  Dl_info info;
  if (dladdr(reinterpret_cast<const void*>(&find_model), &info) == 0 || !info.dli_fname) return {};
  std::error_code unknown;
  return fs::canonical(info.dli_fname, unknown);
}

// lib/, lib/x86_64-linux-gnu/ and a wheel's folder all lie below the one that has share/.
fs::path shipped_folder() {
  constexpr int most_levels = 3;
  std::error_code unknown;
  fs::path above = own_file().parent_path();
  for (int level = 0; level < most_levels && above.has_relative_path(); ++level) {
    if (fs::is_directory(above / folder, unknown)) return above / folder;
    above = above.parent_path();
  }
  return {};
}

}  // namespace

std::string find_model(const std::string& path) {
  std::error_code unknown;
  if (path.empty() || path.find_first_of("./") != std::string::npos || fs::exists(path, unknown))
    return path;
  const fs::path models = shipped_folder();
  if (std::find(names.begin(), names.end(), path) != names.end() && !models.empty())
    return (models / (path + ".molrt")).string();
  fail(MOLRT_ERROR_IO, "{}: cannot read: no such file, nor a model that comes with molrt ({})",
       path, models.empty() ? "none is installed" : fmt::format("{}", fmt::join(names, ", ")));
}

}  // namespace molrt
