#include "io/npy.h"

#include <gtest/gtest.h>

#include <limits>

namespace molrt {
namespace {

// As NumPy 1.24 writes numpy.save(..., numpy.zeros((3, 512), "<f4")).
TEST(NpyTest, WritesNumPysBytes) {
  const std::string text = "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 512), }";
  const std::string start("\x93NUMPY\x01\x00\x76\x00", 10);
  EXPECT_EQ(npy_header(3, 512), start + text + std::string(128 - 11 - text.size(), ' ') + "\n");
}

TEST(NpyTest, HasOneSizeForAnyNumberOfRows) {
  constexpr auto most = std::numeric_limits<uint64_t>::max();
  EXPECT_EQ(npy_header(0, 1).size(), 128u);
  EXPECT_EQ(npy_header(most, most).size(), 128u);
}

}  // namespace
}  // namespace molrt
