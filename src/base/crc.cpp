#include "base/crc.h"

#include <zlib.h>

namespace molrt {

uint32_t crc32(std::span<const std::byte> bytes, uint32_t before) {
  return static_cast<uint32_t>(
      crc32_z(before, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

uint32_t crc32(std::string_view text, uint32_t before) {
  return crc32(std::as_bytes(std::span(text)), before);
}

}  // namespace molrt
