// The losses of pre-training and their gradients against an independent network in PyTorch
// (reference_pretraining.py): losses 1e-5, gradients 1e-4 a tensor.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>

#include "pretrain/network.h"
#include "support/golden.h"

namespace molrt {
namespace {

using test::Npz;

struct Case {
  const char* file;
  PairKernel kernel;
};

const LossWeights recipe = {1, 5, 10, .01, .01, 1};

class Reference {
 public:
  explicit Reference(const Case& c)
      : golden_(test::load_npz(test::golden_path(c.file))),
        architecture_(c.kernel == PairKernel::gaussian ? Architecture{c.kernel, 2, 32, 48, 4, 31}
                                                       : Architecture{c.kernel, 2, 32, 48, 4, 9}) {
    for (const auto& [name, array] : golden_)
      if (name.starts_with("weight."))
        tensors_[name.substr(7)] = make_tensor(array.shape, array.floats());
    labels_ = golden_.at("labels").floats();
    tasks_ = static_cast<size_t>(golden_.at("labels").shape[1]);
    for (uint32_t m = 0; golden_.contains(name("tokens", m)); ++m) items_.push_back(item(m));
  }

  const Npz& golden() const { return golden_; }
  std::span<const PretrainItem> items() const { return items_; }
  PretrainNetwork network(const LossWeights& weights, Team& team) const {
    return {architecture_, tensors_, tasks_, weights, team};
  }

 private:
  static std::string name(const char* array, uint32_t molecule) {
    return fmt::format("{}.{}", array, molecule);
  }
  PretrainItem item(uint32_t m) const {
    PretrainItem item{{}, m, std::span(labels_).subspan(m * tasks_, tasks_)};
    const auto tokens = golden_.at(name("tokens", m)).integers();
    item.molecule.noised.tokens.assign(tokens.begin(), tokens.end());
    item.molecule.noised.coordinates = golden_.at(name("coordinates", m)).floats();
    item.molecule.clean = golden_.at(name("clean", m)).floats();
    const auto targets = golden_.at(name("targets", m)).integers();
    for (size_t i = 0; i < targets.size(); ++i) {
      if (targets[i] < 0) continue;
      item.molecule.chosen.push_back(static_cast<int32_t>(i));
      item.molecule.targets.push_back(static_cast<int32_t>(targets[i]));
    }
    return item;
  }

  Npz golden_;
  Architecture architecture_;
  TensorMap tensors_;
  std::vector<float> labels_;
  size_t tasks_ = 0;
  std::vector<PretrainItem> items_;
};

double golden_number(const Npz& golden, const std::string& name) {
  return golden.at(name).numbers.at(0);
}

class Pretraining : public testing::TestWithParam<Case> {};

TEST_P(Pretraining, LossesAreTheReferences) {
  const Reference reference(GetParam());
  Team team(2);
  PretrainNetwork network = reference.network(recipe, team);
  const PretrainSums sums = network.evaluate(reference.items());
  const std::pair<PretrainLoss, const char*> losses[] = {
      {PretrainLoss::token, "loss.token"},          {PretrainLoss::coordinate, "loss.coordinate"},
      {PretrainLoss::distance, "loss.distance"},    {PretrainLoss::norm, "loss.norm_tokens"},
      {PretrainLoss::pair_norm, "loss.norm_pairs"}, {PretrainLoss::supervised, "loss.supervised"}};
  for (const auto& [loss, name] : losses) {
    const double expected = golden_number(reference.golden(), name);
    EXPECT_NEAR(sums.mean(loss), expected, 1e-5 * std::max(1., expected)) << name;
  }
  const double total = golden_number(reference.golden(), "loss.total");
  EXPECT_NEAR(sums.total(recipe), total, 1e-5 * total);
}

void expect_gradients(PretrainNetwork& network, const Npz& golden, const std::string& prefix) {
  size_t seen = 0;
  for (const TrainedTensor& tensor : network.tensors(0)) {
    const auto found = golden.find(prefix + tensor.name);
    if (found == golden.end()) continue;
    ++seen;
    const std::vector<float> own(tensor.gradient.begin(), tensor.gradient.end());
    const std::vector<float> expected = found->second.floats();
    float largest = 0;
    for (const float g : expected) largest = std::max(largest, std::fabs(g));
    if (largest < 1e-7)
      for (const float g : own) EXPECT_NEAR(g, 0, 1e-6) << tensor.name;
    else
      EXPECT_LE(test::relative_error(own, expected), 1e-4) << prefix << tensor.name;
  }
  EXPECT_GT(seen, 0u);
}

TEST_P(Pretraining, GradientsAreTheReferences) {
  const Reference reference(GetParam());
  Team team(2);
  PretrainNetwork network = reference.network(recipe, team);
  network.learn(reference.items(), {0, 0, 0, 0}, {});
  expect_gradients(network, reference.golden(), "gradient.");
  size_t tensors = 0;
  for (const auto& [name, array] : reference.golden()) tensors += name.starts_with("gradient.");
  EXPECT_EQ(network.tensors(0).size(), tensors);
}

TEST_P(Pretraining, EachLossHasItsOwnGradient) {
  const Reference reference(GetParam());
  const std::pair<size_t, const char*> losses[] = {{0, "token"},      {1, "coordinate"},
                                                   {2, "distance"},   {3, "norm_tokens"},
                                                   {4, "norm_pairs"}, {5, "supervised"}};
  for (const auto& [loss, name] : losses) {
    LossWeights alone{};
    alone[loss] = 1;
    Team team(1);
    PretrainNetwork network = reference.network(alone, team);
    network.learn(reference.items(), {0, 0, 0, 0}, {});
    expect_gradients(network, reference.golden(), fmt::format("single.{}.", name));
  }
}

INSTANTIATE_TEST_SUITE_P(Golden, Pretraining,
                         testing::Values(Case{"pretraining_gaussian.npz", PairKernel::gaussian},
                                         Case{"pretraining_linear.npz", PairKernel::linear}),
                         [](const auto& info) {
                           return std::string(info.param.kernel == PairKernel::gaussian ? "gaussian"
                                                                                        : "linear");
                         });

}  // namespace
}  // namespace molrt
