#include "nn/dropped_keys.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <span>

#include "kernels/dropout.h"
#include "kernels/key_choice.h"

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
        count_(static_cast<size_t>(shape.tokens)),
        scales_(shape.pair_stride()) {}

  void draw(int query) {
    dropout_scales(stream_, first_ + uint64_t(query) * count_, count_, scales_.data());
  }
  bool hits(size_t key) const { return scales_[key] == 0; }
  const float* coins() const { return scales_.data(); }  // 0: a hit

 private:
  DropoutStream stream_;
  uint64_t first_;
  size_t count_;
  std::vector<float> scales_;  // padded to whole vectors
};

// Scores whose order is that of random numbers: positive floats are ordered as their bits.
void random_scores(const KeyCoins& coins, uint64_t first, std::span<float> scores) {
  for (size_t j = 0; j < scores.size(); ++j)
    scores[j] = std::bit_cast<float>(
        1 + (random_u32(coins.key, coins.molecule, site_of(coins), coins.purpose, first + j) >> 2));
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
  const auto tokens = static_cast<size_t>(s.tokens);
  const bool random = choice.order == KeyOrder::random;
  std::vector<float> own(random ? s.pair_stride() : 0);
  std::vector<int32_t> scratch(s.pair_stride());
  for (int i = 0; i < s.tokens; ++i, mask += s.mask_stride()) {
    if (random)
      random_scores(coins, (uint64_t(head) * s.tokens + i) * tokens, {own.data(), tokens});
    second.draw(i);
    choose_keys({random ? own.data() : scores + i * s.pair_stride(), tokens,
                 static_cast<size_t>(candidates),
                 choice.order == KeyOrder::high ? KeyPlaces::highest : KeyPlaces::lowest,
                 choice.by_magnitude, second.coins(), scratch.data()},
                mask);
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
