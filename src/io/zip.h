#pragma once
// The directory of a zip archive whose entries are stored as they are, such as PyTorch's.
#include <cstdint>
#include <map>
#include <string>

#include "base/file.h"

namespace molrt {

struct ZipEntry {
  uint64_t offset = 0;  // of the payload in the file
  uint64_t size = 0;
};

using ZipDirectory = std::map<std::string, ZipEntry>;

// Reads the central directory and each entry's local header, no payload. Every entry lies within
// the file and apart from the others. UNSUPPORTED for compressed or encrypted entries; FORMAT for
// what no writer makes: names twice, absolute or with `..`, overlaps, a directory cut off.
ZipDirectory read_zip_directory(ByteSource& source);

}  // namespace molrt
