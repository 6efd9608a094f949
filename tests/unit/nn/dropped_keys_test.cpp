// AD-DROP's choice of keys: A2 (candidates and rate), A3 (a key stays), A9 (rate without scores).
#include "nn/dropped_keys.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace molrt {
namespace {

constexpr KeyCoins coins{{1, 2}, 77, 3, 2u << 24};

// Scores of every head of a molecule.
struct Scores {
  AttentionShape shape;
  std::vector<float> values;

  explicit Scores(int tokens, int heads = 4) : shape{tokens, 8 * heads, heads} {
    values.resize(shape.pair_size());
    for (int h = 0; h < heads; ++h)
      for (int i = 0; i < tokens; ++i)
        for (int j = 0; j < tokens; ++j)
          at(h, i)[j] = static_cast<float>(random_normal({8, 8}, h, i, j, 0));
  }
  float* at(int head, int query) {
    return values.data() + (size_t(head) * shape.tokens + query) * shape.pair_stride();
  }
};

bool is_set(const AttentionShape& s, const KeyMask& mask, int head, int query, int key) {
  const size_t row = (size_t(head) * s.tokens + query) * s.mask_stride();
  return mask[row + key / 16] >> key % 16 & 1;
}

int dropped_in_row(const AttentionShape& s, const KeyMask& mask, int head, int query) {
  int count = 0;
  for (int j = 0; j < s.tokens; ++j) count += is_set(s, mask, head, query, j);
  return count;
}

KeyMask by_score(Scores& scores, const KeyChoice& choice, const KeyCoins& own = coins) {
  const AttentionShape& s = scores.shape;
  KeyMask mask(s.mask_size(), 0xFFFF);
  for (int h = 0; h < s.heads; ++h)
    drop_by_score(s, h, scores.at(h, 0), choice, own, mask.data() + h * s.tokens * s.mask_stride());
  return mask;
}

KeyMask by_coins(Scores& scores, double p, double q, const KeyCoins& own = coins) {
  const AttentionShape& s = scores.shape;
  KeyMask mask(s.mask_size(), 0xFFFF);
  for (int h = 0; h < s.heads; ++h)
    drop_by_coins(s, h, scores.at(h, 0), p, q, own, mask.data() + h * s.tokens * s.mask_stride());
  return mask;
}

// Is key j one of the k keys that come first?
bool is_candidate(const float* row, int tokens, int k, int j, const KeyChoice& choice) {
  const auto value = [&](int key) {
    const float x = choice.by_magnitude ? std::fabs(row[key]) : row[key];
    return choice.order == KeyOrder::high ? -x : x;
  };
  int before = 0;
  for (int other = 0; other < tokens; ++other)
    before += value(other) < value(j) || (value(other) == value(j) && other < j);
  return before < k;
}

void expect_candidates(Scores& scores, const KeyChoice& choice) {
  const AttentionShape& s = scores.shape;
  const int k = candidate_keys(s.tokens, choice.p);
  const KeyMask mask = by_score(scores, choice);
  for (int h = 0; h < s.heads; ++h)
    for (int i = 0; i < s.tokens; ++i)
      for (int j = 0; j < s.tokens; ++j)
        ASSERT_EQ(is_set(s, mask, h, i, j),
                  is_candidate(scores.at(h, i), s.tokens, k, j, choice) &&
                      random_u32(coins.key, coins.molecule, site_addrop_first + coins.layer,
                                 coins.purpose, (uint64_t(h) * s.tokens + i) * s.tokens + j) <
                          bernoulli_threshold(choice.q))
            << h << " " << i << " " << j;
}

TEST(DroppedKeysCandidates, AreExactlySoMany) {
  EXPECT_EQ(candidate_keys(40, 0), 0);
  EXPECT_EQ(candidate_keys(1, .9), 0);
  EXPECT_EQ(candidate_keys(10, .3), 3);  // ceil(3.0000000000000000x) is 3
  EXPECT_EQ(candidate_keys(10, .31), 4);
  EXPECT_EQ(candidate_keys(3, .9), 2);
  EXPECT_EQ(candidate_keys(3, 1), 2);
  EXPECT_EQ(candidate_keys(2, .01), 1);
}

TEST(DroppedKeysByScore, AreTheFirstCandidatesThatTheirCoinsHit) {
  for (const int tokens : {1, 2, 15, 16, 17, 40})
    for (const KeyOrder order : {KeyOrder::high, KeyOrder::low})
      for (const bool by_magnitude : {false, true})
        for (const double q : {0., .3, 1.}) {
          Scores scores(tokens);
          expect_candidates(scores, {.3, q, order, by_magnitude});
        }
}

TEST(DroppedKeysByScore, GiveTiesToTheLowerColumn) {
  Scores scores(20, 1);
  for (float& x : scores.values) x = std::round(x);  // -0 and 0 among them
  for (const KeyOrder order : {KeyOrder::high, KeyOrder::low})
    expect_candidates(scores, {.4, 1, order});
}

TEST(DroppedKeysByScore, LeaveRowsOfZerosAlone) {
  Scores scores(20, 2);
  std::fill_n(scores.at(1, 5), 20, 0.0f);
  scores.at(1, 5)[7] = -0.0f;
  const KeyMask mask = by_score(scores, {.5, 1});
  EXPECT_EQ(dropped_in_row(scores.shape, mask, 1, 5), 0);
  EXPECT_EQ(dropped_in_row(scores.shape, mask, 1, 6), 10);
}

TEST(DroppedKeysByScore, AreSoManyWhateverTheScores) {
  Scores scores(20, 2);
  for (size_t i = 0; i < scores.values.size(); i += 3)
    scores.values[i] = std::numeric_limits<float>::quiet_NaN();
  for (const KeyOrder order : {KeyOrder::high, KeyOrder::low, KeyOrder::random}) {
    const KeyMask mask = by_score(scores, {.5, 1, order});
    for (int i = 0; i < 20; ++i) EXPECT_EQ(dropped_in_row(scores.shape, mask, 1, i), 10);
  }
}

// A2.
TEST(DroppedKeysByScore, TendToTheirRate) {
  Scores scores(40, 8);
  const AttentionShape& s = scores.shape;
  for (const double q : {.2, .7}) {
    double count = 0;
    const int molecules = 5;
    for (uint32_t m = 0; m < molecules; ++m) {
      const KeyMask mask = by_score(scores, {.3, q}, {{1, 2}, m, 0, 2u << 24});
      for (int h = 0; h < s.heads; ++h)
        for (int i = 0; i < s.tokens; ++i) count += dropped_in_row(s, mask, h, i);
    }
    const double all = double(molecules) * s.heads * s.tokens * candidate_keys(s.tokens, .3);
    EXPECT_NEAR(count / all, q, 4 * std::sqrt(q * (1 - q) / all));
  }
}

TEST(DroppedKeysInRandomOrder, AreSoManyAndOfEveryColumn) {
  Scores scores(40, 8);
  const AttentionShape& s = scores.shape;
  const KeyMask mask = by_score(scores, {.3, 1, KeyOrder::random});
  std::vector<int> of_column(s.tokens);
  for (int h = 0; h < s.heads; ++h)
    for (int i = 0; i < s.tokens; ++i) {
      EXPECT_EQ(dropped_in_row(s, mask, h, i), 12);
      for (int j = 0; j < s.tokens; ++j) of_column[j] += is_set(s, mask, h, i, j);
    }
  const double rows = s.heads * s.tokens;
  for (const int count : of_column) EXPECT_NEAR(count / rows, .3, 5 * std::sqrt(.3 * .7 / rows));
}

TEST(DroppedKeysInRandomOrder, NeedNoScoresAndDropBySecondCoins) {
  Scores scores(40, 1);
  KeyMask mask(scores.shape.mask_size());
  drop_by_score(scores.shape, 0, nullptr, {.5, .5, KeyOrder::random}, coins, mask.data());
  double count = 0;
  for (int i = 0; i < 40; ++i) count += dropped_in_row(scores.shape, mask, 0, i);
  EXPECT_NEAR(count / 800, .5, 4 * std::sqrt(.25 / 800));
}

// A9.
TEST(DroppedKeysByCoins, TendToTheProductOfTheirRates) {
  Scores scores(200, 8);
  const AttentionShape& s = scores.shape;
  for (const auto& [p, q] : {std::pair{.3, .3}, {.9, .5}, {1., .2}}) {
    const KeyMask mask = by_coins(scores, p, q);
    double count = 0;
    for (int h = 0; h < s.heads; ++h)
      for (int i = 0; i < s.tokens; ++i) count += dropped_in_row(s, mask, h, i);
    const double all = double(s.heads) * s.tokens * s.tokens;
    EXPECT_NEAR(count / all, p * q, 4 * std::sqrt(p * q * (1 - p * q) / all));
  }
}

// A3. Of three keys more than half of the rows would lose all.
TEST(DroppedKeysByCoins, LeaveTheMostProbableKey) {
  Scores scores(3, 200);
  const AttentionShape& s = scores.shape;
  for (const double p : {.9, 1.}) {
    const KeyMask mask = by_coins(scores, p, p);
    int two = 0;
    for (int h = 0; h < s.heads; ++h)
      for (int i = 0; i < 3; ++i) {
        ASSERT_LE(dropped_in_row(s, mask, h, i), 2);
        const float* row = scores.at(h, i);
        const auto most = static_cast<int>(std::max_element(row, row + 3) - row);
        if (dropped_in_row(s, mask, h, i) == 2) two += !is_set(s, mask, h, i, most);
      }
    EXPECT_GT(two, p == 1 ? 599 : 300);
  }
}

TEST(DroppedKeysByCoins, DropNothingAtRateZero) {
  Scores scores(17);
  for (const auto& [p, q] : {std::pair{0., .5}, {.5, 0.}})
    EXPECT_EQ(by_coins(scores, p, q), KeyMask(scores.shape.mask_size()));
}

TEST(DroppedKeys, HaveCoinsOfTheirOwnInEveryLayerMoleculeStepAndPass) {
  Scores scores(40);
  std::vector<KeyMask> masks;
  for (const KeyCoins& own :
       {coins, KeyCoins{{1, 3}, 77, 3, 2u << 24}, KeyCoins{{1, 2}, 78, 3, 2u << 24},
        KeyCoins{{1, 2}, 77, 4, 2u << 24}, KeyCoins{{1, 2}, 77, 3, 2u << 24 | 1u << 16}}) {
    masks.push_back(by_score(scores, {.3, .5}, own));
    masks.push_back(by_coins(scores, .3, .5, own));
  }
  for (size_t a = 0; a < masks.size(); ++a)
    for (size_t b = 0; b < a; ++b) EXPECT_NE(masks[a], masks[b]) << a << " " << b;
}

}  // namespace
}  // namespace molrt
