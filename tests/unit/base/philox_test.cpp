#include "base/philox.h"

#include <gtest/gtest.h>

#include <cmath>

namespace molrt {
namespace {

using Lanes = std::array<uint32_t, 4>;

// The known-answer vectors of Random123 (kat_vectors, philox 4x32-10).
TEST(Philox, MatchesThePublishedVectors) {
  EXPECT_EQ(philox4x32({0, 0, 0, 0}, {0, 0}),
            (Lanes{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  const uint32_t ones = 0xffffffff;
  EXPECT_EQ(philox4x32({ones, ones, ones, ones}, {ones, ones}),
            (Lanes{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (Lanes{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Philox, CountsByTheSpecifiedLayout) {
  const PhiloxKey key = random_key(0x0123456789abcdef, 7);
  EXPECT_EQ(key, (PhiloxKey{0x89abcdef ^ 0x01234567, 7}));
  EXPECT_EQ(random_purpose(Purpose::mc, 1, 30), 0x0101001eu);
  EXPECT_EQ(random_purpose(Purpose::fisher), 0x04000000u);
  const Lanes block = philox4x32({11, 22, 33, 2}, key);
  for (uint64_t lane = 0; lane < 4; ++lane)
    EXPECT_EQ(random_u32(key, 11, 22, 33, 8 + lane), block[lane]);
}

TEST(Philox, BernoulliThresholdIsTheFloorInDoublePrecision) {
  EXPECT_EQ(bernoulli_threshold(0), 0u);
  EXPECT_EQ(bernoulli_threshold(.1), 429496729u);  // .1f would give 429496736
  EXPECT_EQ(bernoulli_threshold(.5), 0x80000000u);
  EXPECT_GT(bernoulli_threshold(1), 0xffffffffu);  // above every u32: always a hit
}

TEST(Philox, UniformsStayInsideTheOpenInterval) {
  EXPECT_GT(random_uniform(0), 0);
  EXPECT_LT(random_uniform(0xffffffff), 1);
}

TEST(Philox, NormalsAreStandard) {
  const int n = 200000;
  double sum = 0, squares = 0, neighbours = 0, previous = 0;
  for (int i = 0; i < n; ++i) {
    const double x = random_normal(random_key(1, 0), 2, 3, 4, static_cast<uint64_t>(i));
    sum += x;
    squares += x * x;
    neighbours += x * previous;
    previous = x;
  }
  EXPECT_NEAR(sum / n, 0, 4 / std::sqrt(n));
  EXPECT_NEAR(squares / n, 1, 4 * std::sqrt(2.0 / n));
  EXPECT_NEAR(neighbours / n, 0, 4 / std::sqrt(n));
}

}  // namespace
}  // namespace molrt
