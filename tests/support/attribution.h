#pragma once
// Attributions of a small network's CLS, kept, and the same by finite differences in the oracle.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <tuple>

#include "model/trainable_encoder.h"
#include "support/small_encoder.h"

namespace molrt::test {

// The target of a molecule: a fixed sum over its CLS.
inline double weight_of(int column) { return std::sin(1.0 + column); }

inline double target(const double* cls, int width) {
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

inline std::vector<float> without_padding(const AttentionShape& s, const float* matrix) {
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
  // The keys that the next pass does without.
  DroppedKeys choose(AttributedLayers layers, const KeyChoice& choice) {
    DroppedKeys keys = no_keys();
    forward();
    encoder.attribute(team, noise, layers, d_output().data(), [&](const HeadAttention& head) {
      drop_by_score(head.shape, head.head, head.gradient, choice, coins(head), mask(keys, head));
    });
    return keys;
  }
  DroppedKeys no_keys() const {
    DroppedKeys keys{std::vector<std::vector<KeyMask>>(net.architecture.layers)};
    for (auto& layer : keys.layers)
      for (const AttentionShape& shape : shapes()) layer.emplace_back(shape.mask_size());
    return keys;
  }
  KeyCoins coins(const HeadAttention& head) const {
    return {noise.key, noise.molecules[head.molecule], head.layer, random_purpose(Purpose::addrop)};
  }
  static uint16_t* mask(DroppedKeys& keys, const HeadAttention& head) {
    return keys.layers[head.layer][head.molecule].data() +
           head.head * head.shape.tokens * head.shape.mask_stride();
  }
};

inline const std::vector<int> both = {0, 1}, last = {1}, first = {0};

inline double oracle_target(const Net& net, const OracleWeights& weights, size_t m,
                            const EncoderNoise& noise, const AttentionHook& hook) {
  const MoleculeNoise own(noise, m);
  const auto rows =
      oracle_representation(net.architecture, weights, net.molecules[m], own.get(), hook);
  return target(rows.data(), net.architecture.width);
}

// dt/d attention[element] of one head in the oracle, whose attention passes through `hook` first.
inline double finite_difference(const Net& net, const OracleWeights& weights, const HeadKey& key,
                                size_t element, const EncoderNoise& noise,
                                const AttentionHook& hook) {
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
  const auto weights = oracle_weights(net.model.tensors());
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

// The attention of the oracle, in double precision.
using OracleAttention = std::map<std::tuple<int, int, int>, std::vector<double>>;

inline OracleAttention oracle_attention(const Net& net, const OracleWeights& weights, size_t m,
                                        const EncoderNoise& noise) {
  OracleAttention all;
  oracle_target(net, weights, m, noise, [&](int l, int h, int i, std::span<double> row) {
    all[{l, h, i}].assign(row.begin(), row.end());
  });
  return all;
}

}  // namespace molrt::test
