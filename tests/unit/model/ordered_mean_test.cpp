#include "model/ordered_mean.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace molrt {
namespace {

using Values = std::vector<double>;

TEST(OrderedMean, DoesNotDependOnTheOrderOfArrival) {
  // In another order these would round to another sum.
  const std::vector<float> values = {1e30f, 1.0f, -1e30f, 3e-7f};
  std::vector<size_t> order = {0, 1, 2, 3};
  do {
    OrderedMean mean(order.size());
    for (size_t i = 0; i < order.size(); ++i)
      EXPECT_EQ(mean.add(order[i], {values[order[i]], 2.0f}), i + 1 == order.size());
    EXPECT_EQ(mean.mean(), (Values{((1e30f + 1.0 - 1e30f) + 3e-7f) / 4, 2}));
  } while (std::next_permutation(order.begin(), order.end()));
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
