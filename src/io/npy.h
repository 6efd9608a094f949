#pragma once
// NumPy's .npy (version 1.0): a header, then a float32 matrix, row-major, little-endian.
#include <cstdint>
#include <string>

namespace molrt {

// Always 128 bytes, so that it can be written again when the number of rows has become known.
std::string npy_header(uint64_t rows, uint64_t columns);

}  // namespace molrt
