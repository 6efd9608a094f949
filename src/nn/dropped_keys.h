#pragma once
// AD-DROP's choice of the keys that a query does without (spec: regularisers.md 7, 0a).
#include <cstdint>
#include <vector>

#include "base/philox.h"
#include "kernels/attention.h"

namespace molrt {

// A molecule's key mask in one layer: [heads, n, mask_stride] (AttentionNoise).
using KeyMask = std::vector<uint16_t>;

// What a pass does without.
struct DroppedKeys {
  // Of each layer and each molecule of the batch. Layers that are missing or empty, and empty
  // masks, drop nothing.
  std::vector<std::vector<KeyMask>> layers;

  const uint16_t* of(int layer, size_t molecule) const {
    const auto l = static_cast<size_t>(layer);
    if (l >= layers.size() || layers[l].empty() || layers[l][molecule].empty()) return nullptr;
    return layers[l][molecule].data();
  }
};

enum class KeyOrder { high, low, random };

struct KeyChoice {
  double p = 0, q = 0;  // the candidates' share of a row, and the probability that one is dropped
  KeyOrder order = KeyOrder::high;
  bool by_magnitude = false;  // ranks |score|
};

// The coins of one layer of one molecule: that of key j for query i of head h is element
// (h n + i) n + j. A second coin for the same key is the next sample's (random_purpose()).
struct KeyCoins {
  PhiloxKey key;
  uint32_t molecule;
  int layer;
  uint32_t purpose;
};

// Of n keys, how many are candidates. At least one key of a row is none.
int candidate_keys(int tokens, double p);

// scores [n, pair_stride] of one head -> the head's part of a mask [n, mask_stride], overwritten.
// A row's candidates are its highest or lowest scores, ties to the lower column; rows of zeros lose
// nothing. In random order a first coin ranks the keys, a second drops, and scores may be null.
void drop_by_score(const AttentionShape& shape, int head, const float* scores,
                   const KeyChoice& choice, const KeyCoins& coins, uint16_t* mask);

// The same without scores: every key is a candidate by one coin of probability p and dropped by
// another of probability q. If that hits all keys of a row, the one with the largest attention
// stays. attention [n, pair_stride].
void drop_by_coins(const AttentionShape& shape, int head, const float* attention, double p,
                   double q, const KeyCoins& coins, uint16_t* mask);

}  // namespace molrt
