#include "io/npy.h"

#include <fmt/format.h>

namespace molrt {

std::string npy_header(uint64_t rows, uint64_t columns) {
  constexpr size_t size = 128, start = 10;
  std::string header("\x93NUMPY\x01\x00", 8);
  header += static_cast<char>(size - start);  // of the text that follows, two bytes
  header += '\0';
  const auto text =
      fmt::format("{{'descr': '<f4', 'fortran_order': False, 'shape': ({}, {}), }}", rows, columns);
  header += fmt::format("{:<{}}\n", text, size - start - 1);
  return header;
}

}  // namespace molrt
