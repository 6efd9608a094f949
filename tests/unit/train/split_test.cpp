#include "train/split.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <set>

#include "base/error.h"

namespace molrt {
namespace {

std::vector<size_t> rows_to(size_t n) {
  std::vector<size_t> rows(n);
  std::iota(rows.begin(), rows.end(), size_t{100});
  return rows;
}

std::vector<size_t> together(const Split& split) {
  std::vector<size_t> all = split.train;
  all.insert(all.end(), split.held_out.begin(), split.held_out.end());
  std::sort(all.begin(), all.end());
  return all;
}

TEST(Split, FoldsHoldOutEveryRowOnceInPartsAsScikitLearns) {
  const auto rows = rows_to(23);
  const auto splits = random_splits(rows, 5, .1, 1);
  ASSERT_EQ(splits.size(), 5u);
  std::multiset<size_t> held_out;
  for (size_t i = 0; i < 5; ++i) {
    EXPECT_EQ(splits[i].held_out.size(), i < 3 ? 5u : 4u);
    EXPECT_EQ(together(splits[i]), rows);
    held_out.insert(splits[i].held_out.begin(), splits[i].held_out.end());
  }
  EXPECT_TRUE(std::equal(held_out.begin(), held_out.end(), rows.begin(), rows.end()));
}

TEST(Split, OneFoldHoldsOutAFraction) {
  const auto rows = rows_to(50);
  EXPECT_EQ(random_splits(rows, 1, .1, 1)[0].held_out.size(), 5u);
  EXPECT_EQ(together(random_splits(rows, 1, .1, 1)[0]), rows);
  EXPECT_TRUE(random_splits(rows, 1, 0, 1)[0].held_out.empty());
  EXPECT_EQ(random_splits(rows_to(3), 1, .01, 1)[0].held_out.size(), 1u);
  EXPECT_EQ(random_splits(rows_to(2), 1, .9, 1)[0].train.size(), 1u);
}

TEST(Split, IsSeeded) {
  const auto rows = rows_to(50);
  EXPECT_EQ(random_splits(rows, 2, 0, 1)[0].train, random_splits(rows, 2, 0, 1)[0].train);
  EXPECT_NE(random_splits(rows, 2, 0, 1)[0].train, random_splits(rows, 2, 0, 2)[0].train);
}

// Every row is as likely to be held out: 2000 seeds, 6 sigma an element.
TEST(Split, IsUniform) {
  std::vector<int> hits(10);
  for (uint64_t seed = 0; seed < 2000; ++seed) {
    const auto splits = random_splits(rows_to(10), 1, .3, seed);
    for (const size_t row : splits[0].held_out) ++hits[row - 100];
  }
  for (const int count : hits) EXPECT_NEAR(count, 600, 6 * 20.5);
}

TEST(Split, TooFewRowsAreRefused) {
  EXPECT_THROW(random_splits(rows_to(4), 5, 0, 1), Error);
  EXPECT_THROW(random_splits(rows_to(1), 1, .1, 1), Error);
  EXPECT_NO_THROW(random_splits(rows_to(1), 1, 0, 1));
}

TEST(EpochOrder, IsAPermutationThatChangesWithEpochAndFold) {
  const auto rows = rows_to(40);
  auto first = epoch_order(rows, 1, 0, 0);
  EXPECT_NE(first, epoch_order(rows, 1, 1, 0));
  EXPECT_NE(first, epoch_order(rows, 1, 0, 1));
  EXPECT_EQ(first, epoch_order(rows, 1, 0, 0));
  std::sort(first.begin(), first.end());
  EXPECT_EQ(first, rows);
}

}  // namespace
}  // namespace molrt
