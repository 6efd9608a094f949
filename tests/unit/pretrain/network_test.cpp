// What the losses' sums and gradients may not depend on.
#include "pretrain/network.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "support/small_encoder.h"

namespace molrt {
namespace {

constexpr LossWeights recipe = {1, 5, 10, .01, .01, 1};

struct Set {
  test::Net net{PairKernel::gaussian};
  TensorMap tensors = with_pretraining_heads(net.model.tensors(), net.architecture, 2, 0);
  std::vector<float> labels;
  std::vector<PretrainItem> items;

  explicit Set(size_t copies = 1) : labels(2 * 3 * copies, NAN) {
    for (uint32_t id = 0; id < 3 * copies; ++id) {
      labels[2 * id + id % 2] = .3f * static_cast<float>(id);
      items.push_back(
          {mask_molecule(net.molecules[id % 3], net.model.dictionary(), {.rate = .5}, {1, 1}, id),
           id, std::span(labels).subspan(2 * id, 2)});
    }
  }
};

std::vector<float> gradients(const Set& set, std::span<const PretrainItem> items, int threads,
                             Precision precision = Precision::f32) {
  Team team(threads, precision);
  PretrainNetwork network(set.net.architecture, set.tensors, 2, recipe, team);
  network.learn(items, {.1, .1, .1, .1}, {3, 4});
  std::vector<float> all;
  for (const TrainedTensor& t : network.tensors(0))
    all.insert(all.end(), t.gradient.begin(), t.gradient.end());
  return all;
}

TEST(PretrainNetwork, ThreadsChangeNoByte) {
  const Set set(8);
  for (const Precision precision : {Precision::f32, Precision::bf16}) {
    if (!why_not(precision).empty()) continue;
    const auto one = gradients(set, set.items, 1, precision);
    const auto three = gradients(set, set.items, 3, precision);
    ASSERT_EQ(one.size(), three.size());
    EXPECT_EQ(std::memcmp(one.data(), three.data(), one.size() * sizeof(float)), 0);
  }
}

// A batch of many parts has the gradients of the one mean.
TEST(PretrainNetwork, PartsAddUpToTheBatch) {
  const Set set(110);  // more tokens than go through the network at once
  Team team(2);
  PretrainNetwork network(set.net.architecture, set.tensors, 2, recipe, team);
  const PretrainSums whole = network.evaluate(set.items);
  PretrainSums parts;
  for (const PretrainItem& item : set.items) parts += network.evaluate({&item, 1});
  for (size_t i = 0; i < pretrain_losses; ++i) {
    EXPECT_EQ(whole.count[i], parts.count[i]);
    EXPECT_NEAR(whole.sum[i], parts.sum[i], 1e-6 * std::fabs(parts.sum[i]));
  }
}

TEST(PretrainNetwork, GradientsAreTheLossesSlopes) {
  const Set set(2);
  Team team(1);
  PretrainNetwork network(set.net.architecture, set.tensors, 2, recipe, team);
  network.learn(set.items, {0, 0, 0, 0}, {});
  constexpr float h = 2e-3f;
  for (const TrainedTensor& tensor : network.tensors(0)) {
    const size_t at = tensor.value.size() / 2;
    const float before = tensor.value[at], gradient = tensor.gradient[at];
    tensor.value[at] = before + h;
    const double up = network.evaluate(set.items).total(recipe);
    tensor.value[at] = before - h;
    const double down = network.evaluate(set.items).total(recipe);
    tensor.value[at] = before;
    EXPECT_NEAR((up - down) / (2 * h), gradient, 2e-2 * std::fabs(gradient) + 2e-3) << tensor.name;
  }
}

TEST(PretrainNetwork, MoleculesWithoutChosenAtomsOrLabelsAreFine) {
  Set set(1);
  for (PretrainItem& item : set.items) {
    item.molecule = mask_molecule(set.net.molecules[item.id], set.net.model.dictionary(),
                                  {.rate = 0}, {1, 1}, item.id);
    item.labels = {};
  }
  std::vector<float> none(2, NAN);
  for (PretrainItem& item : set.items) item.labels = none;
  for (const float g : gradients(set, set.items, 1)) ASSERT_TRUE(std::isfinite(g));
  Team team(1);
  PretrainNetwork network(set.net.architecture, set.tensors, 2, recipe, team);
  const PretrainSums sums = network.evaluate(set.items);
  EXPECT_TRUE(std::isnan(sums.mean(PretrainLoss::token)));
  EXPECT_TRUE(std::isfinite(sums.total(recipe)));
}

TEST(PretrainNetwork, HeadsOfOtherSizesAreMadeAnew) {
  const Set set;
  const TensorMap three = with_pretraining_heads(set.tensors, set.net.architecture, 3, 0);
  EXPECT_EQ(three.at("supervised_head.out_proj.weight").shape,
            (std::vector<int64_t>{3, set.net.architecture.width}));
  EXPECT_EQ(three.at("lm_head.weight").stored, set.tensors.at("lm_head.weight").stored);
}

}  // namespace
}  // namespace molrt
