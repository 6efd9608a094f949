#include "model/ordered_mean.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace molrt {
namespace {

using Values = std::vector<double>;

TEST(OrderedMean, DoesNotDependOnTheOrderOfArrival) {
  // In another order these would round to another sum.
  const Values values = {1e30, 1.0, -1e30, 3e-7};
  std::vector<size_t> order = {0, 1, 2, 3};
  do {
    OrderedMean mean(order.size());
    for (size_t i = 0; i < order.size(); ++i)
      EXPECT_EQ(mean.add(order[i], {values[order[i]], 2.0}), i + 1 == order.size());
    EXPECT_EQ(mean.mean(), (Values{((1e30 + 1.0 - 1e30) + 3e-7) / 4, 2}));
  } while (std::next_permutation(order.begin(), order.end()));
}

TEST(OrderedMean, OfOneIsThatOneBitForBit) {
  OrderedMean mean(1);
  EXPECT_TRUE(mean.add(0, {-0.0}));
  EXPECT_TRUE(std::signbit(mean.mean()[0]));
}

TEST(OrderedMean, FailuresHaveNoPart) {
  OrderedMean mean(3);
  EXPECT_FALSE(mean.add(1, {}));
  EXPECT_FALSE(mean.add(2, {5}));
  EXPECT_TRUE(mean.add(0, {1}));
  EXPECT_EQ(mean.mean(), Values{3});
  OrderedMean nothing(1);
  EXPECT_TRUE(nothing.add(0, {}));
  EXPECT_TRUE(nothing.mean().empty());
}

TEST(OrderedMean, AddingAgainChangesNothing) {
  OrderedMean mean(2);
  EXPECT_FALSE(mean.add(0, {1}));
  EXPECT_FALSE(mean.add(0, {9}));
  EXPECT_TRUE(mean.add(1, {3}));
  EXPECT_TRUE(mean.add(1, {9}));
  EXPECT_EQ(mean.mean(), Values{2});
  mean.release();
  EXPECT_FALSE(mean.add(1, {9}));
}

}  // namespace
}  // namespace molrt
