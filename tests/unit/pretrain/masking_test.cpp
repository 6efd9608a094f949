// How atoms are chosen, hidden and moved: shares within 5 standard deviations, and what depends on
// what.
#include "pretrain/masking.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>

namespace molrt {
namespace {

const Dictionary& dictionary() {
  static const Dictionary shipped =
      Dictionary::parse(Dictionary::shipped_text(31), "shipped", TokenLayout::file_order);
  return shipped;
}

// A chain of carbons.
Features chain(int atoms) {
  Features features;
  features.tokens.assign(static_cast<size_t>(atoms) + 2, dictionary().token(6));
  features.tokens.front() = dictionary().cls();
  features.tokens.back() = dictionary().sep();
  features.coordinates.assign(3 * features.tokens.size(), 0.0f);
  for (int i = 1; i <= atoms; ++i) {
    features.coordinates[3 * i] = 1.5f * static_cast<float>(i);
    features.atoms.push_back(i - 1);
  }
  return features;
}

struct Counts {
  double chosen = 0, kept = 0, random = 0, masked = 0, moves = 0, move_sum = 0, move_squares = 0;
  std::map<int32_t, double> elements;
  float largest_move = 0;
};

void count(const Features& before, const MaskedMolecule& after, const MaskSettings& settings,
           Counts& counts) {
  for (size_t i = 0; i < after.chosen.size(); ++i) {
    const int32_t token = after.chosen[i], now = after.noised.tokens[token];
    const float* x = after.noised.coordinates.data() + 3 * token;
    const float* clean = before.coordinates.data() + 3 * token;
    const bool moved = x[0] != clean[0] || x[1] != clean[1] || x[2] != clean[2];
    ++counts.chosen;
    EXPECT_EQ(after.targets[i], before.tokens[token]);
    counts.masked += now == dictionary().mask();
    counts.kept += !moved;
    if (!moved) {
      EXPECT_TRUE(now == before.tokens[token] || settings.noise == 0);
      continue;
    }
    if (now != dictionary().mask()) {
      ++counts.random;
      ++counts.elements[now];
    }
    for (int axis = 0; axis < 3; ++axis) {
      const float move = x[axis] - clean[axis];
      ++counts.moves;
      counts.move_sum += move;
      counts.move_squares += move * move;
      counts.largest_move = std::max(counts.largest_move, std::fabs(move));
    }
  }
}

Counts count_many(int atoms, int molecules, const MaskSettings& settings) {
  Counts counts;
  const Features molecule = chain(atoms);
  for (int id = 0; id < molecules; ++id)
    count(molecule, mask_molecule(molecule, dictionary(), settings, {1, 2}, id), settings, counts);
  return counts;
}

void expect_share(double count, double of, double p) {
  EXPECT_NEAR(count / of, p, 5 * std::sqrt(p * (1 - p) / of)) << count << " of " << of;
}

TEST(Masking, SharesAreTheRecipes) {
  const Counts c = count_many(11, 20000, {});
  // int(.15 * 11 + U(0, 1)): 1 or 2, of which the mean is 1.65.
  EXPECT_NEAR(c.chosen / 20000, 1.65, 5 * .5 / std::sqrt(20000.));
  expect_share(c.kept, c.chosen, .05);
  expect_share(c.random, c.chosen, .05);
  expect_share(c.masked, c.chosen, .90);
  EXPECT_NEAR(c.move_sum / c.moves, 0, 5 / std::sqrt(3 * c.moves));
  EXPECT_NEAR(c.move_squares / c.moves, 1. / 3, 5 * .3 / std::sqrt(c.moves));
  EXPECT_LE(c.largest_move, 1.0f + 1e-5f);
  EXPECT_EQ(c.elements.size(), 26u);  // all of the dictionary, and nothing else
  EXPECT_FALSE(c.elements.contains(dictionary().mask()));
  EXPECT_GE(c.elements.begin()->first, 4);
}

TEST(Masking, EveryAtomIsChosenAlikeOften) {
  const Features molecule = chain(10);
  std::vector<double> often(12);
  double all = 0;
  for (int id = 0; id < 20000; ++id)
    for (const int32_t token : mask_molecule(molecule, dictionary(), {}, {7, 7}, id).chosen) {
      ++often[token];
      ++all;
    }
  EXPECT_EQ(often.front() + often.back(), 0);  // [CLS] and [SEP]
  for (int i = 1; i <= 10; ++i) expect_share(often[i], all, .1);
}

TEST(Masking, ShapesOfTheExtremes) {
  EXPECT_EQ(count_many(4, 500, {.rate = 0}).chosen, 0);
  const Counts all = count_many(4, 500, {.rate = 1, .keep = 1, .random = 0});
  EXPECT_EQ(all.chosen, 2000);
  EXPECT_EQ(all.kept, 2000);
  const Counts still = count_many(4, 500, {.rate = 1, .keep = 0, .random = 0, .noise = 0});
  EXPECT_EQ(still.masked, 2000);
  EXPECT_EQ(still.kept, 2000);  // none has moved
}

TEST(Masking, DependsOnKeyAndMoleculeAlone) {
  const Features molecule = chain(30);
  const auto one = mask_molecule(molecule, dictionary(), {}, {1, 2}, 5);
  const auto again = mask_molecule(molecule, dictionary(), {}, {1, 2}, 5);
  EXPECT_EQ(one.noised.tokens, again.noised.tokens);
  EXPECT_EQ(one.noised.coordinates, again.noised.coordinates);
  EXPECT_NE(one.chosen, mask_molecule(molecule, dictionary(), {}, {1, 3}, 5).chosen);
  EXPECT_NE(one.chosen, mask_molecule(molecule, dictionary(), {}, {1, 2}, 6).chosen);
  EXPECT_EQ(one.clean, molecule.coordinates);
}

}  // namespace
}  // namespace molrt
