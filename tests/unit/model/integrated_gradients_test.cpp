// Integrated gradients: passes with the attention held, by finite differences in the oracle, and
// their completeness (A10).
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "support/attribution.h"

namespace molrt {
namespace {

using namespace test;

class IntegratedGradients : public testing::TestWithParam<PairKernel> {};

// The hooks of a pass in which the attention depends on nothing.
AttentionHook held_hook(const OracleAttention& held, const std::vector<int>& layers, double scale) {
  return [&held, layers, scale](int l, int h, int i, std::span<double> row) {
    const bool scaled = std::ranges::find(layers, l) != layers.end();
    const auto& own = held.at({l, h, i});
    for (size_t j = 0; j < row.size(); ++j) row[j] = own[j] * (scaled ? scale : 1);
  };
}

TEST_P(IntegratedGradients, MatchFiniteDifferences) {
  const Net net(GetParam());
  const auto weights = oracle_weights(net.model.tensors());
  const EncoderNoise noise = net.noise(.1, .2, .3, .4);
  std::vector<OracleAttention> held;
  for (size_t m = 0; m < net.molecules.size(); ++m)
    held.push_back(oracle_attention(net, weights, m, noise));
  for (const std::vector<int>& layers : {both, first, last}) {
    Pass pass(net, noise);
    pass.forward();
    pass.encoder.hold_attention(pass.team, noise, layers);
    for (const float scale : {.25f, .75f}) {
      const auto hook_of = [&](size_t m) { return held_hook(held[m], layers, scale); };
      const float* rows = pass.encoder.forward_held(pass.team, noise, layers, scale);
      for (size_t m = 0; m < net.molecules.size(); ++m) {
        const double t = oracle_target(net, weights, m, noise, hook_of(m));
        EXPECT_NEAR(pass.target_of(rows, m), t, 1e-4 * std::max(1.0, std::fabs(t)));
      }
      expect_gradients(net, pass.attribute_held(layers, scale), noise, hook_of);
    }
  }
}

TEST_P(IntegratedGradients, ShowTheAttentionUnscaled) {
  const Net net(GetParam());
  Pass pass(net, net.noise(.1, .2, .3, .4));
  pass.forward();
  const Attribution attention = pass.attention(both);
  pass.encoder.hold_attention(pass.team, pass.noise, both);
  pass.encoder.forward_held(pass.team, pass.noise, both, .25f);
  for (const auto& [key, head] : pass.attribute_held(both, .25f))
    EXPECT_TRUE(HeadMatrices::same(head.attention, attention.at(key).attention));
}

// Sum of S = A mean_k dA_k of each molecule, over `layers` scaled together.
std::vector<double> integrated(Pass& pass, const std::vector<int>& layers, int points) {
  std::vector<double> sums(pass.molecules.size());
  for (int k = 0; k < points; ++k) {
    const float scale = (static_cast<float>(k) + .5f) / static_cast<float>(points);
    pass.encoder.forward_held(pass.team, pass.noise, layers, scale);
    for (const auto& [key, head] : pass.attribute_held(layers, scale))
      for (size_t e = 0; e < head.gradient.size(); ++e)
        sums[std::get<size_t>(key)] += double{head.attention[e]} * head.gradient[e] / points;
  }
  return sums;
}

// A10.
TEST_P(IntegratedGradients, AreComplete) {
  const Net net(GetParam());
  for (const std::vector<int>& layers : {both, first, last}) {
    Pass pass(net, net.noise(.1, .1, 0, .1));
    std::vector<double> whole;
    const float* rows = pass.forward();
    for (size_t m = 0; m < net.molecules.size(); ++m) whole.push_back(pass.target_of(rows, m));
    pass.encoder.hold_attention(pass.team, pass.noise, layers);
    rows = pass.encoder.forward_held(pass.team, pass.noise, layers, 0);
    for (size_t m = 0; m < net.molecules.size(); ++m) whole[m] -= pass.target_of(rows, m);
    for (const int points : {20, 200}) {
      if (points == 200 && layers != both) continue;  // slow, and shown by the others
      const auto sums = integrated(pass, layers, points);
      for (size_t m = 0; m < net.molecules.size(); ++m) {
        EXPECT_GT(std::fabs(whole[m]), .01);
        EXPECT_NEAR(sums[m] / whole[m], 1, .01) << points << " points, molecule " << m;
      }
    }
  }
}

// From the first pass on.
Attribution held_attribution(Pass& pass, const std::vector<int>& layers) {
  pass.forward();
  pass.encoder.hold_attention(pass.team, pass.noise, layers);
  pass.encoder.forward_held(pass.team, pass.noise, layers, .5f);
  return pass.attribute_held(layers, .5f);
}

TEST_P(IntegratedGradients, AreTheSameBytesWhateverTheThreads) {
  const Net net(GetParam());
  std::vector<Attribution> all;
  for (const int threads : {1, 2, 5}) {
    Pass pass(net, net.noise(.1, .2, .3, .4), threads);
    all.push_back(held_attribution(pass, both));
    for (const float g : pass.parameters.gradients()) ASSERT_EQ(g, 0);
  }
  EXPECT_EQ(all[0], all[1]);
  EXPECT_EQ(all[0], all[2]);
}

TEST_P(IntegratedGradients, AreTheSameBytesAboveFrozenLayers) {
  const Net net(GetParam());
  Pass whole(net, net.noise(.1, .2, .3, .4)), part(net, whole.noise);
  part.encoder.set_frozen_layers(1);
  EXPECT_EQ(held_attribution(whole, last), held_attribution(part, last));
}

INSTANTIATE_TEST_SUITE_P(Kernels, IntegratedGradients,
                         testing::Values(PairKernel::gaussian, PairKernel::linear),
                         [](const auto& info) { return std::string(kernel_name(info.param)); });

}  // namespace
}  // namespace molrt
