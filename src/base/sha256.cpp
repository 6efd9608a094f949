#include "base/sha256.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <memory>
#include <new>

#include "base/error.h"

namespace molrt {
namespace {

std::string hex(std::span<const unsigned char> bytes) {
  std::string text;
  for (const unsigned char byte : bytes) text += fmt::format("{:02x}", byte);
  return text;
}

void require(int openssl_result) {
  if (openssl_result != 1) fail(MOLRT_ERROR_INTERNAL, "OpenSSL cannot compute SHA-256");
}

}  // namespace

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

}  // namespace molrt
