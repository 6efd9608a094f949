#pragma once
// AD-DROP's choice in one row of the attention: own, as ranking a row by a sort costs more than the
// attention itself.
#include <cstddef>
#include <cstdint>

namespace molrt {

enum class KeyPlaces { highest, lowest };

struct KeyRow {
  const float* scores;  // [padded to a multiple of 16]; what is behind `keys` is not read as one
  size_t keys;
  size_t candidates;  // how many of them, by the order of their scores, ties to the left
  KeyPlaces places;
  bool by_magnitude;
  const float* coins;  // [keys, padded likewise]: 0 where a candidate is dropped
  int32_t* scratch;    // as long
};

// mask [padded / 16]: bits of the dropped keys, overwritten. A row of zeros loses none.
void choose_keys(const KeyRow& row, uint16_t* mask);

}  // namespace molrt
