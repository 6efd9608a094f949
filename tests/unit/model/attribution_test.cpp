// Attribution to the attention: gradients by finite differences in the oracle (A4, and those of
// integrated gradients), rows that cannot matter (A6), the same bytes whatever threads and
// neighbours (A7), completeness (A10), permuted atoms (A11), and weights without dropped keys (A3).
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <numeric>
#include <tuple>

#include "model/trainable_encoder.h"
#include "support/small_encoder.h"

namespace molrt {
namespace {

using test::Net;

// The target of a molecule: a fixed sum over its CLS.
double weight_of(int column) { return std::sin(1.0 + column); }

double target(const double* cls, int width) {
  double t = 0;
  for (int c = 0; c < width; ++c) t += cls[c] * weight_of(c);
  return t;
}

// Of one head of one molecule; [n, n].
struct HeadMatrices {
  std::vector<float> attention, gradient;
  bool operator==(const HeadMatrices& other) const {
    return same(attention, other.attention) && same(gradient, other.gradient);
  }
  static bool same(const std::vector<float>& a, const std::vector<float>& b) {
    return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
  }
};

using HeadKey = std::tuple<int, size_t, int>;  // layer, molecule, head
using Attribution = std::map<HeadKey, HeadMatrices>;

std::vector<float> without_padding(const AttentionShape& s, const float* matrix) {
  std::vector<float> values;
  for (int i = 0; i < s.tokens; ++i, matrix += s.pair_stride()) {
    values.insert(values.end(), matrix, matrix + s.tokens);
    for (size_t j = s.tokens; j < s.pair_stride(); ++j) EXPECT_EQ(matrix[j], 0);
  }
  return values;
}

// Places for all heads first, then visitors in any thread.
class Recorder {
 public:
  Recorder(const std::vector<AttentionShape>& shapes, AttributedLayers layers) {
    for (const int layer : layers)
      for (size_t m = 0; m < shapes.size(); ++m)
        for (int h = 0; h < shapes[m].heads; ++h) attribution_[{layer, m, h}];
  }
  AttentionVisitor visitor() {
    return [this](const HeadAttention& head) {
      HeadMatrices& own = attribution_.at({head.layer, head.molecule, head.head});
      EXPECT_TRUE(own.attention.empty()) << "visited twice";
      own.attention = without_padding(head.shape, head.attention);
      if (head.gradient) own.gradient = without_padding(head.shape, head.gradient);
    };
  }
  Attribution take() {
    for (const auto& [key, head] : attribution_) EXPECT_FALSE(head.attention.empty());
    return std::move(attribution_);
  }

 private:
  Attribution attribution_;
};

// A network in training, and its molecules' targets.
struct Pass {
  const Net& net;
  std::vector<const Features*> molecules;
  EncoderNoise noise;
  Parameters parameters;
  TrainableEncoder encoder;
  Team team;

  Pass(const Net& n, const EncoderNoise& own, int threads = 2)
      : net(n),
        molecules(n.batch()),
        noise(own),
        parameters(n.model.tensors(), "test"),
        encoder(n.architecture, parameters),
        team(threads) {}

  int width() const { return net.architecture.width; }
  const float* forward() { return encoder.forward(team, molecules, noise); }
  std::vector<AttentionShape> shapes() const {
    std::vector<AttentionShape> all;
    for (const Features* f : molecules)
      all.push_back({f->length(), width(), net.architecture.heads});
    return all;
  }
  double target_of(const float* rows, size_t m) const {
    const float* cls = rows + encoder.first_token(m) * width();
    return target(std::vector<double>(cls, cls + width()).data(), width());
  }
  std::vector<float> d_output() const {
    std::vector<float> d(padded_rows(encoder.tokens()) * width(), 0.0f);
    for (size_t m = 0; m < molecules.size(); ++m)
      for (int c = 0; c < width(); ++c)
        d[encoder.first_token(m) * width() + c] = static_cast<float>(weight_of(c));
    return d;
  }
  Attribution attribute(AttributedLayers layers) {
    forward();
    Recorder recorder(shapes(), layers);
    encoder.attribute(team, noise, layers, d_output().data(), recorder.visitor());
    return recorder.take();
  }
  Attribution attention(AttributedLayers layers) {
    Recorder recorder(shapes(), layers);
    encoder.visit_attention(team, noise, layers, recorder.visitor());
    return recorder.take();
  }
  // Of a pass whose attention is held.
  Attribution attribute_held(AttributedLayers layers, float scale) {
    Recorder recorder(shapes(), layers);
    encoder.attribute_held(team, noise, layers, scale, d_output().data(), recorder.visitor());
    return recorder.take();
  }
};

const std::vector<int> both = {0, 1}, last = {1}, first = {0};

double oracle_target(const Net& net, const test::OracleWeights& weights, size_t m,
                     const EncoderNoise& noise, const test::AttentionHook& hook) {
  const test::MoleculeNoise own(noise, m);
  const auto rows =
      test::oracle_representation(net.architecture, weights, net.molecules[m], own.get(), hook);
  return target(rows.data(), net.architecture.width);
}

// dt/d attention[element] of one head in the oracle, whose attention passes through `hook` first.
double finite_difference(const Net& net, const test::OracleWeights& weights, const HeadKey& key,
                         size_t element, const EncoderNoise& noise,
                         const test::AttentionHook& hook) {
  const auto& [layer, m, head] = key;
  const int n = net.molecules[m].length();
  constexpr double step = 1e-5;
  double sum = 0;
  for (const double sign : {1., -1.})
    sum += sign * oracle_target(net, weights, m, noise,
                                [&, layer = layer, head = head](int l, int h, int i, auto row) {
                                  if (hook) hook(l, h, i, row);
                                  if (l == layer && h == head && i == int(element) / n)
                                    row[element % n] += sign * step;
                                });
  return sum / (2 * step);
}

// Hook: molecule's -> the oracle's hook for it.
template <typename Hook>
void expect_gradients(const Net& net, const Attribution& attribution, const EncoderNoise& noise,
                      const Hook& hook_of) {
  const auto weights = test::oracle_weights(net.model.tensors());
  double largest = 0;
  for (const auto& [key, head] : attribution)
    for (const float g : head.gradient) largest = std::max<double>(largest, std::fabs(g));
  EXPECT_GT(largest, .01);
  for (const auto& [key, head] : attribution)
    for (size_t e = std::get<2>(key); e < head.gradient.size(); e += 7)
      EXPECT_NEAR(head.gradient[e],
                  finite_difference(net, weights, key, e, noise, hook_of(std::get<size_t>(key))),
                  1e-4 * largest)
          << "layer " << std::get<0>(key) << " molecule " << std::get<1>(key) << " element " << e;
}

class Attributions : public testing::TestWithParam<PairKernel> {};

// A4. The attention of a later layer depends on an earlier one's.
TEST_P(Attributions, MatchFiniteDifferences) {
  const Net net(GetParam());
  const DroppedKeys dropped = test::random_dropped_keys(net, .3);
  EncoderNoise masked = net.noise(.1, .2, .3, .4);
  masked.dropped_keys = &dropped;
  for (const EncoderNoise& noise : {net.noise(0, 0, 0, 0), net.noise(.1, .2, .3, .4), masked}) {
    Pass pass(net, noise);
    expect_gradients(net, pass.attribute(both), noise,
                     [](size_t) { return test::AttentionHook(); });
  }
}

// The attention of the oracle, in double precision.
using OracleAttention = std::map<std::tuple<int, int, int>, std::vector<double>>;

OracleAttention oracle_attention(const Net& net, const test::OracleWeights& weights, size_t m,
                                 const EncoderNoise& noise) {
  OracleAttention all;
  oracle_target(net, weights, m, noise, [&](int l, int h, int i, std::span<double> row) {
    all[{l, h, i}].assign(row.begin(), row.end());
  });
  return all;
}

TEST_P(Attributions, ShowTheAttention) {
  const Net net(GetParam());
  const DroppedKeys dropped = test::random_dropped_keys(net, .3);
  EncoderNoise noise = net.noise(.1, .2, .3, .4);
  noise.dropped_keys = &dropped;
  Pass pass(net, noise);
  pass.forward();
  const Attribution attention = pass.attention(both);
  for (const auto& [key, head] : attention) EXPECT_TRUE(head.gradient.empty());
  const Attribution with_gradient = pass.attribute(both);
  const auto weights = test::oracle_weights(net.model.tensors());
  for (size_t m = 0; m < net.molecules.size(); ++m)
    for (const auto& [place, row] : oracle_attention(net, weights, m, noise)) {
      const auto& [layer, head, query] = place;
      const auto& own = attention.at({layer, m, head}).attention;
      EXPECT_TRUE(HeadMatrices::same(own, with_gradient.at({layer, m, head}).attention));
      for (size_t j = 0; j < row.size(); ++j)
        EXPECT_NEAR(own[query * row.size() + j], row[j], 1e-5);
    }
}

// The hooks of a pass in which the attention depends on nothing.
test::AttentionHook held_hook(const OracleAttention& held, const std::vector<int>& layers,
                              double scale) {
  return [&held, layers, scale](int l, int h, int i, std::span<double> row) {
    const bool scaled = std::ranges::find(layers, l) != layers.end();
    const auto& own = held.at({l, h, i});
    for (size_t j = 0; j < row.size(); ++j) row[j] = own[j] * (scaled ? scale : 1);
  };
}

TEST_P(Attributions, OfHeldAttentionMatchFiniteDifferences) {
  const Net net(GetParam());
  const auto weights = test::oracle_weights(net.model.tensors());
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

TEST_P(Attributions, OfHeldAttentionShowItUnscaled) {
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
TEST_P(Attributions, OfIntegratedGradientsAreComplete) {
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
  std::vector<Attribution> gradient, held;
  for (const int threads : {1, 2, 5}) {
    Pass pass(net, net.noise(.1, .2, .3, .4), threads);
    gradient.push_back(pass.attribute(both));
    pass.encoder.hold_attention(pass.team, pass.noise, both);
    pass.encoder.forward_held(pass.team, pass.noise, both, .5f);
    held.push_back(pass.attribute_held(both, .5f));
  }
  for (const auto& all : {gradient, held}) {
    EXPECT_EQ(all[0], all[1]);
    EXPECT_EQ(all[0], all[2]);
  }
}

TEST_P(Attributions, OfAMoleculeAreTheSameBytesWhateverItsNeighbours) {
  const Net net(GetParam());
  Pass together(net, net.noise(.1, .2, .3, .4));
  Pass alone(net, together.noise);
  const test::MoleculeNoise own(together.noise, 1);
  alone.molecules = {&net.molecules[1]};
  alone.noise = own.get();
  const Attribution all = together.attribute(both);
  for (const auto& [key, head] : alone.attribute(both))
    EXPECT_EQ(head, all.at({std::get<0>(key), 1, std::get<2>(key)}));
}

TEST_P(Attributions, AreTheSameBytesAboveFrozenLayers) {
  const Net net(GetParam());
  Pass whole(net, net.noise(.1, .2, .3, .4)), part(net, whole.noise);
  part.encoder.set_frozen_layers(1);
  EXPECT_EQ(whole.attribute(last), part.attribute(last));
  for (Pass* pass : {&whole, &part}) {
    pass->encoder.hold_attention(pass->team, pass->noise, last);
    pass->encoder.forward_held(pass->team, pass->noise, last, .5f);
  }
  EXPECT_EQ(whole.attribute_held(last, .5f), part.attribute_held(last, .5f));
}

TEST_P(Attributions, TouchNoParametersGradient) {
  const Net net(GetParam());
  Pass pass(net, net.noise(.1, .2, .3, .4));
  pass.attribute(both);
  pass.encoder.hold_attention(pass.team, pass.noise, both);
  pass.encoder.forward_held(pass.team, pass.noise, both, .5f);
  pass.attribute_held(both, .5f);
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
  DroppedKeys scored = test::random_dropped_keys(net, 0), thrown = scored;
  const auto mask = [](DroppedKeys& keys, const HeadAttention& head) {
    return keys.layers[head.layer][head.molecule].data() +
           head.head * head.shape.tokens * head.shape.mask_stride();
  };
  const auto choose = [&](const HeadAttention& head) {
    const KeyCoins coins{pass.noise.key, net.ids[head.molecule], head.layer, 2u << 24};
    drop_by_score(head.shape, head.head, head.gradient, {.9, .9}, coins, mask(scored, head));
    drop_by_coins(head.shape, head.head, head.attention, .9, .9, coins, mask(thrown, head));
  };
  pass.forward();
  pass.encoder.attribute(pass.team, pass.noise, both, pass.d_output().data(), choose);
  for (const DroppedKeys* keys : {&scored, &thrown}) {
    pass.noise.dropped_keys = keys;
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
