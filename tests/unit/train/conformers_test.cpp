#include "train/conformers.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "base/error.h"

namespace molrt {
namespace {

TEST(Conformers, OneEachUnlessSaid) {
  const ConformerTable one;
  const std::vector<size_t> rows = {4, 2};
  EXPECT_EQ(one.place({4, 0}), 4u);
  EXPECT_EQ(one.all(rows).size(), 2u);
  EXPECT_EQ(one.choose(rows, 1, 0)[1].molecule(), 2u);
}

TEST(Conformers, StandOneBehindTheOther) {
  const size_t counts[] = {2, 0, 3};
  const ConformerTable table(counts);
  const std::vector<size_t> rows = {2, 0};
  std::vector<size_t> places;
  for (const auto item : table.all(rows)) places.push_back(table.place(item));
  EXPECT_EQ(places, (std::vector<size_t>{2, 3, 4, 0, 1}));
  EXPECT_EQ((RowConformer{5, 3}).molecule(), (3u << 26) + 5u);
}

TEST(Conformers, MeansAreTakenInOrder) {
  const size_t counts[] = {3, 1};
  const ConformerTable table(counts);
  const std::vector<float> values = {1, 10, 2, 20, 4, 50, 7, -0.f};
  const size_t rows[] = {0, 1};
  const auto means = table.means(rows, values, 2);
  EXPECT_EQ(means, (std::vector<double>{7. / 3, 80. / 3, 7, 0}));
  EXPECT_TRUE(std::signbit(means[3]));  // one conformer: bit for bit
}

TEST(Conformers, ChoicesDependOnRowAndEpochAlone) {
  const std::vector<size_t> counts(100, 7);
  const ConformerTable table(counts);
  const auto chosen = [&](std::vector<size_t> rows, uint64_t seed, uint32_t epoch) {
    return table.choose(rows, seed, epoch);
  };
  EXPECT_EQ(chosen({3, 50}, 1, 2)[1].conformer, chosen({50}, 1, 2)[0].conformer);
  std::vector<size_t> seen(7);
  for (uint32_t epoch = 0; epoch < 7000; ++epoch) ++seen[chosen({50}, 1, epoch)[0].conformer];
  for (const size_t count : seen) EXPECT_NEAR(count, 1000, 6 * std::sqrt(1000. * 6 / 7));
  std::set<std::vector<uint32_t>> epochs;  // rows do not move together
  for (uint32_t epoch = 0; epoch < 20; ++epoch) {
    std::vector<uint32_t> picks;
    for (const auto item : chosen({1, 2, 3, 4, 5, 6}, 1, epoch)) picks.push_back(item.conformer);
    epochs.insert(picks);
  }
  EXPECT_GT(epochs.size(), 18u);
}

TEST(Conformers, MoreThanTheMasksCanTellApartAreRefused) {
  const size_t most[] = {64}, more[] = {1, 65};
  EXPECT_EQ(ConformerTable(most).count(0), 64u);
  try {
    ConformerTable{more};
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_EQ(error.status(), MOLRT_ERROR_UNSUPPORTED);
    EXPECT_NE(std::string(error.what()).find("row 2 has 65"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace molrt
