#pragma once
// Inverted dropout from counted random numbers (spec: regularisers.md 0a and 1.1): what an element
// becomes depends on the seed, the step, the molecule, the site and the element's place in the
// molecule, never on threads, batches or padding. Own: no library draws these numbers.
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/philox.h"

namespace molrt {

// One site of one molecule in one step. Element i is dropped iff the stream's u32 number i is below
// floor(p 2^32); the others are scaled by 1/(1-p). p = 1 drops all.
struct DropoutStream {
  PhiloxKey key;
  uint32_t a, b, c;  // molecule, site, purpose
  double p;          // > 0: a site with p = 0 is skipped by its caller
};

// scales[i] = 0 or 1/(1-p), of the elements first ... first + count.
void dropout_scales(const DropoutStream& stream, uint64_t first, size_t count, float* scales);

// values[i] = 0 or values[i]/(1-p), likewise: forward, and backward on gradients.
void dropout_apply(const DropoutStream& stream, uint64_t first, size_t count, float* values);

// The other way about, of a weight's elements: element i is kept, times `scale`, iff the stream's
// u32 number i is below floor(p 2^32), else 0. p = 1 keeps all.
struct HitStream {
  PhiloxKey key;
  uint32_t a, b, c;  // tensor, kind, purpose
  double p;
};
void keep_hits(const HitStream& stream, double scale, uint64_t first, std::span<float> values);

}  // namespace molrt
