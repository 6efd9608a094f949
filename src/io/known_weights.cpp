#include "io/known_weights.h"

#include <array>
#include <filesystem>
#include <string_view>

#include "base/sha256.h"

namespace molrt {
namespace {

struct KnownFile {
  std::string_view name;
  uint64_t bytes;           // 0: not known
  std::string_view sha256;  // "" if not known
  Hydrogens hydrogens;
};

constexpr std::array<KnownFile, 4> known_files = {{
    {"mol_pre_no_h_220816.pt", 190540187,
     "da27196af09a8c6d089e10b7764b6a716bcc33da227fc118f5b45b0e484585e9", Hydrogens::none},
    {"mol_pre_all_h_220816.pt", 190540187,
     "7f5f14bb28bf479a0b8f38ebab4bb9d7ae867383f14c4d694d056500fa3446a7", Hydrogens::all},
    {"oled_pre_no_h_230101.pt", 0, "", Hydrogens::none},
    {"mp_all_h_230313.pt", 0, "", Hydrogens::all},
}};

}  // namespace

std::optional<Hydrogens> known_hydrogens(ByteSource& source) {
  const std::string name = std::filesystem::path(source.name()).filename();
  for (const KnownFile& file : known_files)
    if (name == file.name) return file.hydrogens;
  std::string hash;
  for (const KnownFile& file : known_files) {
    if (file.bytes != source.size() || file.sha256.empty()) continue;
    if (hash.empty()) hash = sha256(source);
    if (hash == file.sha256) return file.hydrogens;
  }
  return std::nullopt;
}

}  // namespace molrt
