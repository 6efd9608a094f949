#pragma once
// Counter-based random numbers: Philox4x32-10 (Salmon et al., SC'11), and what molrt counts with
// (spec: regularisers.md 0a, Randomness). A value depends on its counter only, never on the order
// of drawing: threads, batches and padding cannot change it.
#include <array>
#include <cstdint>

namespace molrt {

using PhiloxKey = std::array<uint32_t, 2>;
using PhiloxCounter = std::array<uint32_t, 4>;

std::array<uint32_t, 4> philox4x32(PhiloxCounter counter, PhiloxKey key);

enum class Purpose : uint32_t {
  train = 0,
  mc = 1,
  addrop = 2,
  weight_noise = 3,
  fisher = 4,
  initialise = 5,
  split = 6,
  conformer = 7,
  pretrain = 8
};

// Sites of activation noise. ATT, RES1, ACT, RES2 are one per layer: site + 4 * layer.
// AD-DROP's coins have a site per layer of their own.
enum Site : uint32_t {
  site_emb = 0,
  site_head_in = 1,
  site_head_mid = 2,
  site_layer_first = 16,
  site_addrop_first = 1 << 16,
  site_fisher_label = 1 << 17
};

// (low 32 bits of the seed XOR its high 32 bits, optimiser step)
PhiloxKey random_key(uint64_t seed, uint32_t step);
// c = purpose << 24 | rdrop_pass << 16 | sample
uint32_t random_purpose(Purpose purpose, uint32_t rdrop_pass = 0, uint32_t sample = 0);
// The u32 of element `flat_index` of stream (a, b, c).
uint32_t random_u32(PhiloxKey key, uint32_t a, uint32_t b, uint32_t c, uint64_t flat_index);

// A Bernoulli event of probability p is a hit iff random_u32 < threshold; p = 1 always hits, so the
// threshold is 64 bits wide.
uint64_t bernoulli_threshold(double p);
// Uniform in (0, 1), 32 bits; standard normal by Box-Muller from lanes 2i and 2i+1 of the stream.
double random_uniform(uint32_t bits);
double random_normal(PhiloxKey key, uint32_t a, uint32_t b, uint32_t c, uint64_t index);

}  // namespace molrt
