#pragma once
// Orders by chance, from the seed alone.
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/philox.h"

namespace molrt {

enum class ShuffleStream : uint32_t { split = 0, epoch = 1 };

// Fisher-Yates. The multiplication's bias, at most rows / 2^32, is harmless.
std::vector<size_t> shuffled(std::vector<size_t> rows, PhiloxKey key, ShuffleStream stream,
                             uint32_t sample);

// The rows in the order of epoch `epoch` (from 0) of fold `fold`.
std::vector<size_t> epoch_order(std::vector<size_t> rows, uint64_t seed, uint32_t epoch,
                                uint32_t fold);

}  // namespace molrt
