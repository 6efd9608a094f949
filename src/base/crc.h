#pragma once
// CRC-32 (zlib's), of what is read or written in pieces.
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace molrt {

uint32_t crc32(std::span<const std::byte> bytes, uint32_t before = 0);
uint32_t crc32(std::string_view text, uint32_t before = 0);

}  // namespace molrt
