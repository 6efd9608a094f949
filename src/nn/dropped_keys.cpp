#include "nn/dropped_keys.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "kernels/dropout.h"

namespace molrt {
namespace {

uint32_t site_of(const KeyCoins& coins) {
  return site_addrop_first + static_cast<uint32_t>(coins.layer);
}

// Coins of one head, a row at a time.
class HitRows {
 public:
  HitRows(const AttentionShape& shape, int head, const KeyCoins& coins, uint32_t sample,
          double probability)
      : stream_{coins.key, coins.molecule, site_of(coins), coins.purpose + sample, probability},
        first_(uint64_t(head) * shape.tokens * shape.tokens),
        scales_(shape.tokens) {}

  void draw(int query) {
    dropout_scales(stream_, first_ + uint64_t(query) * scales_.size(), scales_.size(),
                   scales_.data());
  }
  bool hits(size_t key) const { return scales_[key] == 0; }

 private:
  DropoutStream stream_;
  uint64_t first_;
  std::vector<float> scales_;
};

// Ascending as the floats are, 0 and -0 being one.
uint32_t ordered_bits(float x) {
  const uint32_t bits = x == 0 ? 0 : std::bit_cast<uint32_t>(x);
  return bits >> 31 ? ~bits : bits | 1u << 31;
}

// Candidates come first in the order of these numbers.
uint64_t rank(uint32_t place, size_t key) { return uint64_t{place} << 32 | key; }

void rank_scores(const float* scores, const KeyChoice& choice, std::vector<uint64_t>& ranks) {
  for (size_t j = 0; j < ranks.size(); ++j) {
    const uint32_t bits = ordered_bits(choice.by_magnitude ? std::fabs(scores[j]) : scores[j]);
    ranks[j] = rank(choice.order == KeyOrder::high ? ~bits : bits, j);
  }
}

void rank_at_random(const KeyCoins& coins, uint64_t first, std::vector<uint64_t>& ranks) {
  for (size_t j = 0; j < ranks.size(); ++j)
    ranks[j] =
        rank(random_u32(coins.key, coins.molecule, site_of(coins), coins.purpose, first + j), j);
}

bool is_zero(const float* row, size_t count) {
  return std::all_of(row, row + count, [](float x) { return x == 0; });
}

// The ranks of a row; false: it loses nothing.
bool rank_row(const AttentionShape& s, int head, int query, const float* scores,
              const KeyChoice& choice, const KeyCoins& coins, std::vector<uint64_t>& ranks) {
  if (choice.order == KeyOrder::random) {
    rank_at_random(coins, (uint64_t(head) * s.tokens + query) * s.tokens, ranks);
    return true;
  }
  const float* row = scores + query * s.pair_stride();
  if (is_zero(row, ranks.size())) return false;
  rank_scores(row, choice, ranks);
  return true;
}

void set_bit(uint16_t* row, size_t key, bool on) {
  const auto bit = static_cast<uint16_t>(1u << key % 16);
  uint16_t& word = row[key / 16];
  word = static_cast<uint16_t>(on ? word | bit : word & ~bit);
}

}  // namespace

int candidate_keys(int tokens, double p) {
  if (p == 0 || tokens == 1) return 0;
  return std::clamp(static_cast<int>(std::ceil(p * tokens - 1e-6)), 1, tokens - 1);
}

void drop_by_score(const AttentionShape& s, int head, const float* scores, const KeyChoice& choice,
                   const KeyCoins& coins, uint16_t* mask) {
  const int candidates = candidate_keys(s.tokens, choice.p);
  std::fill_n(mask, s.tokens * s.mask_stride(), uint16_t{0});
  if (candidates == 0 || choice.q == 0) return;
  HitRows second(s, head, coins, choice.order == KeyOrder::random ? 1 : 0, choice.q);
  std::vector<uint64_t> ranks(s.tokens);
  for (int i = 0; i < s.tokens; ++i, mask += s.mask_stride()) {
    if (!rank_row(s, head, i, scores, choice, coins, ranks)) continue;
    std::nth_element(ranks.begin(), ranks.begin() + candidates, ranks.end());
    second.draw(i);
    for (int c = 0; c < candidates; ++c)
      if (const auto key = static_cast<uint32_t>(ranks[c]); second.hits(key))
        set_bit(mask, key, true);
  }
}

void drop_by_coins(const AttentionShape& s, int head, const float* attention, double p, double q,
                   const KeyCoins& coins, uint16_t* mask) {
  std::fill_n(mask, s.tokens * s.mask_stride(), uint16_t{0});
  if (p == 0 || q == 0) return;
  const auto tokens = static_cast<size_t>(s.tokens);
  HitRows first(s, head, coins, 0, p), second(s, head, coins, 1, q);
  for (int i = 0; i < s.tokens; ++i, mask += s.mask_stride(), attention += s.pair_stride()) {
    first.draw(i);
    second.draw(i);
    size_t dropped = 0;
    for (size_t j = 0; j < tokens; ++j)
      if (first.hits(j) && second.hits(j)) {
        set_bit(mask, j, true);
        ++dropped;
      }
    if (dropped == tokens)
      set_bit(mask, std::max_element(attention, attention + tokens) - attention, false);
  }
}

}  // namespace molrt
