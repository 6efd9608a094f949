// Attribution to the attention: gradients by finite differences in the oracle (A4), rows that
// cannot matter (A6), the same bytes whatever threads and neighbours (A7), permuted atoms (A11),
// and weights without dropped keys (A3).
#include "support/attribution.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace molrt {
namespace {

using namespace test;

class Attributions : public testing::TestWithParam<PairKernel> {};

// A4. The attention of a later layer depends on an earlier one's.
TEST_P(Attributions, MatchFiniteDifferences) {
  const Net net(GetParam());
  const DroppedKeys dropped = random_dropped_keys(net, .3);
  EncoderNoise masked = net.noise(.1, .2, .3, .4);
  masked.dropped_keys = &dropped;
  for (const EncoderNoise& noise : {net.noise(0, 0, 0, 0), net.noise(.1, .2, .3, .4), masked}) {
    Pass pass(net, noise);
    expect_gradients(net, pass.attribute(both), noise, [](size_t) { return AttentionHook(); });
  }
}

TEST_P(Attributions, ShowTheAttention) {
  const Net net(GetParam());
  const DroppedKeys dropped = random_dropped_keys(net, .3);
  EncoderNoise noise = net.noise(.1, .2, .3, .4);
  noise.dropped_keys = &dropped;
  Pass pass(net, noise);
  pass.forward();
  const Attribution attention = pass.attention(both);
  for (const auto& [key, head] : attention) EXPECT_TRUE(head.gradient.empty());
  const Attribution with_gradient = pass.attribute(both);
  const auto weights = oracle_weights(net.model.tensors());
  for (size_t m = 0; m < net.molecules.size(); ++m)
    for (const auto& [place, row] : oracle_attention(net, weights, m, noise)) {
      const auto& [layer, head, query] = place;
      const auto& own = attention.at({layer, m, head}).attention;
      EXPECT_TRUE(HeadMatrices::same(own, with_gradient.at({layer, m, head}).attention));
      for (size_t j = 0; j < row.size(); ++j)
        EXPECT_NEAR(own[query * row.size() + j], row[j], 1e-5);
    }
}

// A6.
TEST_P(Attributions, AreZeroWhereOnlyClsIsRead) {
  const Net net(GetParam());
  Pass pass(net, net.noise(.1, .2, .3, .4));
  for (const auto& [key, head] : pass.attribute(both)) {
    const auto& [layer, m, h] = key;
    const size_t n = net.molecules[m].tokens.size();
    const auto matters = [](float g) { return g != 0; };
    EXPECT_TRUE(std::any_of(head.gradient.begin(), head.gradient.begin() + n, matters));
    EXPECT_EQ(std::any_of(head.gradient.begin() + n, head.gradient.end(), matters), layer == 0);
  }
}

// A7.
TEST_P(Attributions, AreTheSameBytesWhateverTheThreads) {
  const Net net(GetParam());
  std::vector<Attribution> all;
  for (const int threads : {1, 2, 5})
    all.push_back(Pass(net, net.noise(.1, .2, .3, .4), threads).attribute(both));
  EXPECT_EQ(all[0], all[1]);
  EXPECT_EQ(all[0], all[2]);
}

TEST_P(Attributions, OfAMoleculeAreTheSameBytesWhateverItsNeighbours) {
  const Net net(GetParam());
  Pass together(net, net.noise(.1, .2, .3, .4));
  Pass alone(net, together.noise);
  const MoleculeNoise own(together.noise, 1);
  alone.molecules = {&net.molecules[1]};
  alone.noise = own.get();
  const Attribution all = together.attribute(both);
  for (const auto& [key, head] : alone.attribute(both))
    EXPECT_EQ(head, all.at({std::get<0>(key), 1, std::get<2>(key)}));
  const DroppedKeys keys = together.choose(both, {.5, .5}), own_keys = alone.choose(both, {.5, .5});
  for (const int layer : both) EXPECT_EQ(keys.layers[layer][1], own_keys.layers[layer][0]);
}

TEST_P(Attributions, AreTheSameBytesAboveFrozenLayers) {
  const Net net(GetParam());
  Pass whole(net, net.noise(.1, .2, .3, .4)), part(net, whole.noise);
  part.encoder.set_frozen_layers(1);
  EXPECT_EQ(whole.attribute(last), part.attribute(last));
}

TEST_P(Attributions, TouchNoParametersGradient) {
  const Net net(GetParam());
  Pass pass(net, net.noise(.1, .2, .3, .4));
  pass.attribute(both);
  for (const float g : pass.parameters.gradients()) ASSERT_EQ(g, 0);
}

// A3.
TEST_P(Attributions, OfThreeKeysLeaveOneAlive) {
  Net net(GetParam());
  for (Features& f : net.molecules) {  // CLS, one atom, SEP
    f.tokens = {f.tokens[0], f.tokens[1], f.tokens.back()};
    f.coordinates.resize(9);
  }
  Pass pass(net, net.noise(0, 0, 0, 0));
  const DroppedKeys scored = pass.choose(both, {.9, .9});
  DroppedKeys thrown = pass.no_keys();
  pass.forward();
  pass.encoder.visit_attention(pass.team, pass.noise, both, [&](const HeadAttention& head) {
    drop_by_coins(head.shape, head.head, head.attention, .9, .9, pass.coins(head),
                  Pass::mask(thrown, head));
  });
  for (const DroppedKeys& keys : {scored, thrown}) {
    pass.noise.dropped_keys = &keys;
    const float* rows = pass.forward();
    for (size_t i = 0; i < pass.encoder.tokens() * pass.width(); ++i)
      ASSERT_TRUE(std::isfinite(rows[i]));
    int zeros = 0;
    for (const auto& [key, head] : pass.attention(both))
      for (int i = 0; i < 3; ++i) {
        const float* row = head.attention.data() + 3 * i;
        EXPECT_NEAR(row[0] + row[1] + row[2], 1, 1e-6);
        zeros += static_cast<int>(std::count(row, row + 3, 0.0f));
      }
    EXPECT_GT(zeros, 20);
  }
}

// Old place of each of a molecule's atoms, which swaps and turns; CLS and SEP stay.
std::vector<int> shuffled(int tokens) {
  std::vector<int> places(tokens);
  std::iota(places.begin(), places.end(), 0);
  std::rotate(places.begin() + 1, places.begin() + 3, places.end() - 1);
  std::swap(places[1], places[2]);
  return places;
}

Features permuted(const Features& f, const std::vector<int>& places) {
  Features result = f;
  for (int i = 0; i < f.length(); ++i) {
    result.tokens[i] = f.tokens[places[i]];
    std::copy_n(&f.coordinates[3 * places[i]], 3, &result.coordinates[3 * i]);
  }
  return result;
}

// Do the k-th and the next value of a row stand apart?
bool is_clear(std::vector<float> row, int k) {
  std::ranges::sort(row, std::greater());
  const float largest = std::max(std::fabs(row.front()), std::fabs(row.back()));
  return row[k - 1] - row[k] > 1e-5f * largest;
}

KeyMask candidates(const std::vector<float>& scores, int n) {
  const AttentionShape shape{n, 8, 1};
  Buffer padded;
  float* matrix = padded.resize(shape.pair_size());
  std::fill_n(matrix, shape.pair_size(), 0.0f);
  for (int i = 0; i < n; ++i) std::copy_n(&scores[i * n], n, matrix + i * shape.pair_stride());
  KeyMask mask(shape.mask_size());
  drop_by_score(shape, 0, matrix, {.3, 1}, {{}, 0, 0, 0}, mask.data());
  return mask;
}

// A11.
TEST_P(Attributions, OfPermutedAtomsHaveThePermutedCandidates) {
  const Net net(GetParam());
  Net other(GetParam());
  for (Features& f : other.molecules) f = permuted(f, shuffled(f.length()));
  Pass pass(net, net.noise(0, 0, 0, 0)), turned(other, other.noise(0, 0, 0, 0));
  const Attribution before = pass.attribute(both), after = turned.attribute(both);
  int rows = 0, compared = 0;
  for (const auto& [key, head] : before) {
    const int n = net.molecules[std::get<1>(key)].length(), k = candidate_keys(n, .3);
    const auto places = shuffled(n);
    const KeyMask old = candidates(head.gradient, n), now = candidates(after.at(key).gradient, n);
    for (int i = 0; i < n; ++i) {
      const auto row = head.gradient.begin() + places[i] * n;
      rows += std::count(row, row + n, 0.0f) < n;
      if (!is_clear({row, row + n}, k)) continue;
      ++compared;
      for (int j = 0; j < n; ++j) EXPECT_EQ(now[i] >> j & 1, old[places[i]] >> places[j] & 1);
    }
  }
  EXPECT_GT(compared, rows / 2);
}

INSTANTIATE_TEST_SUITE_P(Kernels, Attributions,
                         testing::Values(PairKernel::gaussian, PairKernel::linear),
                         [](const auto& info) { return std::string(kernel_name(info.param)); });

}  // namespace
}  // namespace molrt
