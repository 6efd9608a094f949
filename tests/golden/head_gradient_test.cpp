// The heads' loss and gradients against the peer's, from the golden representations: 1e-4 a tensor
// (golden README).
#include <gtest/gtest.h>

#include <cmath>

#include "support/golden.h"
#include "train/loss.h"

namespace molrt {
namespace {

using test::golden_path;
using test::load_npz;
using test::Npz;

struct Case {
  const char* weights;
  const char* forward;
  const char* gradient;
};

class HeadGradient : public testing::TestWithParam<Case> {};

std::vector<float> chosen_rows(const Npz& forward, const Npz& golden, size_t width) {
  const auto cls = forward.at("cls_repr").floats();
  std::vector<float> rows;
  for (const int64_t molecule : golden.at("molecule_index").integers()) {
    const auto first = cls.begin() + molecule * static_cast<int64_t>(width);
    rows.insert(rows.end(), first, first + static_cast<int64_t>(width));
  }
  return rows;
}

void expect_close(const std::vector<float>& gradient, const Npz& golden, const std::string& name) {
  if (gradient.empty()) return;
  const auto& expected = golden.at("grad/classification_head." + name);
  EXPECT_LE(test::relative_error(gradient, expected.floats()), 1e-4) << name;
}

TEST_P(HeadGradient, MatchesThePeer) {
  const Model model = test::open_golden(GetParam().weights);
  const Head& head = model.heads().front();
  const Npz golden = load_npz(golden_path(GetParam().gradient));
  const auto cls = chosen_rows(load_npz(golden_path(GetParam().forward)), golden,
                               static_cast<size_t>(head.width));
  const auto targets = golden.at("target").floats();
  const std::vector<uint32_t> molecules(golden.at("molecule_index").numbers.size());
  const HeadDropout no_dropout{0, 0, 0, molecules};
  HeadActivations activations;
  std::vector<float> outputs(targets.size()), d_outputs(targets.size());
  head_forward_training(head, cls.data(), no_dropout, activations, outputs.data());
  const LossSum loss = evaluate_loss(
      {}, {targets.size(), 1, 1, outputs.data(), targets.data(), nullptr}, d_outputs.data());
  const double expected = golden.at("loss").numbers.at(0);
  EXPECT_NEAR(loss.mean(), expected, 1e-5 * std::abs(expected));

  Head gradient = make_head(head.kind, head.width, head.outputs);
  head_backward(head, no_dropout, activations, d_outputs.data(), gradient, nullptr);
  expect_close(gradient.dense_weight, golden, "dense.weight");
  expect_close(gradient.dense_bias, golden, "dense.bias");
  expect_close(gradient.out_weight, golden, "out_proj.weight");
  expect_close(gradient.out_bias, golden, "out_proj.bias");
}

INSTANTIATE_TEST_SUITE_P(Golden, HeadGradient,
                         testing::Values(Case{"molecule_linear.pth", "molecule_linear_forward.npz",
                                              "molecule_linear_gradient.npz"},
                                         Case{"molecule_pooler.pth", "molecule_pooler_forward.npz",
                                              "molecule_pooler_gradient.npz"},
                                         Case{"molecule_odd.pth", "molecule_odd_given_forward.npz",
                                              "molecule_odd_gradient.npz"}));

}  // namespace
}  // namespace molrt
