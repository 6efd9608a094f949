#include "io/known_weights.h"

#include <fmt/format.h>

#include <array>
#include <filesystem>
#include <string_view>

#include "base/sha256.h"

namespace molrt {
namespace {

constexpr OfficialFile molecule(std::string_view name, std::string_view sha256,
                                Hydrogens hydrogens) {
  return {name,      "molecules, 209 million conformers",
          190540187, 0,
          sha256,    PairKernel::gaussian,
          31,        "mol.dict.txt",
          hydrogens, TokenLayout::file_order};
}
constexpr OfficialFile large(std::string_view name, std::string_view trained_on,
                             std::string_view dictionary, Hydrogens hydrogens) {
  return {name,      trained_on,
          324000000, 1000000,
          "",        PairKernel::linear,
          94,        dictionary,
          hydrogens, TokenLayout::file_order};
}

constexpr std::array<OfficialFile, 4> known_files = {
    molecule("mol_pre_no_h_220816.pt",
             "da27196af09a8c6d089e10b7764b6a716bcc33da227fc118f5b45b0e484585e9", Hydrogens::none),
    molecule("mol_pre_all_h_220816.pt",
             "7f5f14bb28bf479a0b8f38ebab4bb9d7ae867383f14c4d694d056500fa3446a7", Hydrogens::all),
    large("oled_pre_no_h_230101.pt", "optoelectronic molecules", "oled.dict.txt", Hydrogens::none),
    large("mp_all_h_230313.pt", "crystals of the Materials Project", "mp.dict.txt", Hydrogens::all),
};

bool fits(const OfficialFile& file, uint64_t size) {
  return size + file.bytes_margin >= file.bytes && size <= file.bytes + file.bytes_margin;
}

std::string size_problem(const OfficialFile& file, uint64_t size) {
  return fmt::format("expected {}, found {} bytes: {}", size_text(file), size,
                     size < file.bytes
                         ? "the download is probably cut off, or a web page was saved instead"
                         : "this is another file");
}

std::string hash_problem(const Identity& identity) {
  return fmt::format("expected sha256 {}, found {}: {}", identity.named->sha256, identity.sha256,
                     identity.verified
                         ? fmt::format("this is {} under another name", identity.verified->name)
                         : "the download is damaged, or this is another file");
}

std::string find_problem(const Identity& identity, const ByteSource& source) {
  const OfficialFile& file = *identity.named;
  const bool sized = fits(file, source.size());
  if (sized && (file.sha256.empty() || identity.verified == &file)) return "";
  return fmt::format(
      "{}: has the name of an official file, but is not it: {}; its home is {}", source.name(),
      sized ? hash_problem(identity) : size_problem(file, source.size()), hugging_face_url(file));
}

}  // namespace

std::span<const OfficialFile> official_files() { return known_files; }

std::string github_url(const OfficialFile& file) {
  return fmt::format("https://github.com/deepmodeling/Uni-Mol/releases/download/v0.1/{}",
                     file.name);
}

std::string hugging_face_url(const OfficialFile& file) {
  return fmt::format("https://huggingface.co/dptech/Uni-Mol-Models/resolve/main/{}", file.name);
}

std::string size_text(const OfficialFile& file) {
  if (file.bytes_margin == 0) return fmt::format("{} bytes", file.bytes);
  return fmt::format("about {} MB", file.bytes / 1000000);
}

std::string training_text(const OfficialFile& file) {
  return fmt::format("{} hydrogens, {}, {}", file.hydrogens == Hydrogens::all ? "all" : "no",
                     file.dictionary,
                     file.layout == TokenLayout::file_order ? "file order" : "specials first");
}

Identity identify(ByteSource& source, std::span<const OfficialFile> files) {
  Identity identity;
  const std::string name = std::filesystem::path(source.name()).filename();
  bool worth_hashing = false;
  for (const OfficialFile& file : files) {
    if (name == file.name) identity.named = &file;
    worth_hashing |= fits(file, source.size()) && (name == file.name || !file.sha256.empty());
  }
  if (worth_hashing) identity.sha256 = sha256(source);
  for (const OfficialFile& file : files)
    if (!file.sha256.empty() && file.sha256 == identity.sha256) identity.verified = &file;
  if (identity.named) identity.problem = find_problem(identity, source);
  return identity;
}

}  // namespace molrt
