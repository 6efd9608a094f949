#include "io/known_weights.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <memory>
#include <new>
#include <string_view>
#include <vector>

#include "base/error.h"

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

std::string hex(std::span<const unsigned char> bytes) {
  std::string text;
  for (const unsigned char byte : bytes) text += fmt::format("{:02x}", byte);
  return text;
}

void require(int openssl_result) {
  if (openssl_result != 1) fail(MOLRT_ERROR_INTERNAL, "OpenSSL cannot compute SHA-256");
}

std::string sha256(ByteSource& source) {
  const std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context(EVP_MD_CTX_new(),
                                                                   EVP_MD_CTX_free);
  if (!context) throw std::bad_alloc();
  require(EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr));
  std::vector<std::byte> piece(1 << 20);
  for (uint64_t offset = 0; offset < source.size(); offset += piece.size()) {
    piece.resize(std::min<uint64_t>(piece.size(), source.size() - offset));
    source.copy(offset, piece, "whole file");
    require(EVP_DigestUpdate(context.get(), piece.data(), piece.size()));
  }
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned length = 0;
  require(EVP_DigestFinal_ex(context.get(), digest.data(), &length));
  return hex({digest.data(), length});
}

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
