#include "base/philox.h"

#include <cmath>
#include <numbers>

namespace molrt {
namespace {

struct Product {
  uint32_t high, low;
};

Product multiply(uint32_t a, uint32_t b) {
  const uint64_t product = uint64_t{a} * b;
  return {static_cast<uint32_t>(product >> 32), static_cast<uint32_t>(product)};
}

PhiloxCounter round(const PhiloxCounter& counter, const PhiloxKey& key) {
  const Product first = multiply(0xD2511F53, counter[0]);
  const Product second = multiply(0xCD9E8D57, counter[2]);
  return {second.high ^ counter[1] ^ key[0], second.low, first.high ^ counter[3] ^ key[1],
          first.low};
}

constexpr double kTwoTo32 = 4294967296.0;

}  // namespace

// By hand: the standard library's Philox comes with C++26.
std::array<uint32_t, 4> philox4x32(PhiloxCounter counter, PhiloxKey key) {
  counter = round(counter, key);
  for (int i = 1; i < 10; ++i) {
    key[0] += 0x9E3779B9;
    key[1] += 0xBB67AE85;
    counter = round(counter, key);
  }
  return counter;
}

PhiloxKey random_key(uint64_t seed, uint32_t step) {
  return {static_cast<uint32_t>(seed) ^ static_cast<uint32_t>(seed >> 32), step};
}

uint32_t random_purpose(Purpose purpose, uint32_t rdrop_pass, uint32_t sample) {
  return static_cast<uint32_t>(purpose) << 24 | rdrop_pass << 16 | sample;
}

uint32_t random_u32(PhiloxKey key, uint32_t a, uint32_t b, uint32_t c, uint64_t flat_index) {
  return philox4x32({a, b, c, static_cast<uint32_t>(flat_index / 4)}, key)[flat_index % 4];
}

uint64_t bernoulli_threshold(double p) { return static_cast<uint64_t>(std::floor(p * kTwoTo32)); }

double random_uniform(uint32_t bits) { return (bits + .5) / kTwoTo32; }

double random_normal(PhiloxKey key, uint32_t a, uint32_t b, uint32_t c, uint64_t index) {
  const auto lanes = philox4x32({a, b, c, static_cast<uint32_t>(index / 2)}, key);
  const size_t lane = 2 * (index % 2);
  const double radius = std::sqrt(-2 * std::log(random_uniform(lanes[lane])));
  return radius * std::cos(2 * std::numbers::pi * random_uniform(lanes[lane + 1]));
}

}  // namespace molrt
