#include "train/shuffle.h"

#include <utility>

namespace molrt {

std::vector<size_t> shuffled(std::vector<size_t> rows, PhiloxKey key, ShuffleStream stream,
                             uint32_t sample) {
  const uint32_t purpose = random_purpose(Purpose::split, 0, sample);
  for (size_t i = rows.size(); i > 1; --i) {
    const uint64_t bits = random_u32(key, 0, static_cast<uint32_t>(stream), purpose, i - 1);
    std::swap(rows[i - 1], rows[bits * i >> 32]);
  }
  return rows;
}

std::vector<size_t> epoch_order(std::vector<size_t> rows, uint64_t seed, uint32_t epoch,
                                uint32_t fold) {
  return shuffled(std::move(rows), random_key(seed, epoch), ShuffleStream::epoch, fold);
}

}  // namespace molrt
