// The whole network's gradients against the peer's: 1e-4 a tensor, and 1e-6 absolute where the
// gradient is zero in theory (golden README).
#include <gtest/gtest.h>

#include <cmath>

#include "chem/conformer.h"
#include "io/model_file.h"
#include "model/trainable_encoder.h"
#include "support/npz.h"
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

class Gradient : public testing::TestWithParam<Case> {};

std::vector<Features> chosen_molecules(const Npz& forward, const Npz& golden, const Model& model) {
  const auto offsets = forward.at("offsets").integers();
  const auto& symbols = forward.at("symbols").strings;
  const auto& numbers = forward.at("coordinates").numbers;
  std::vector<Features> features;
  for (const int64_t m : golden.at("molecule_index").integers()) {
    const auto conformer =
        given_conformer({symbols.begin() + offsets[m], symbols.begin() + offsets[m + 1]},
                        {numbers.begin() + 3 * offsets[m], numbers.begin() + 3 * offsets[m + 1]});
    features.push_back(
        make_features(conformer.conformer, model.dictionary(), model.feature_options()));
  }
  return features;
}

bool is_zero_in_theory(const std::string& name) { return name == "gbf_proj.linear2.bias"; }

void expect_close(const Parameters::Entry& entry, const Npz& golden) {
  const auto found = golden.find("grad/" + entry.name);
  if (found == golden.end()) return;
  std::vector<float> gradient(entry.data.gradient.begin(), entry.data.gradient.end());
  std::vector<float> expected = found->second.floats();
  if (is_zero_in_theory(entry.name)) {
    for (const float g : gradient) EXPECT_NEAR(g, 0, 1e-6) << entry.name;
    return;
  }
  EXPECT_LE(test::relative_error(gradient, expected), 1e-4) << entry.name;
}

TEST_P(Gradient, MatchesThePeer) {
  const Model model = open_model(*ByteSource::map_file(golden_path(GetParam().weights)), {},
                                 [](const std::string&) {});
  const Npz golden = load_npz(golden_path(GetParam().gradient));
  const auto features = chosen_molecules(load_npz(golden_path(GetParam().forward)), golden, model);
  std::vector<const Features*> molecules;
  for (const Features& f : features) molecules.push_back(&f);

  Parameters parameters(model.tensors(), "test");
  TrainableEncoder encoder(model.card().architecture, parameters);
  Team team(2);
  const EncoderNoise noise;
  const size_t width = model.card().architecture.width;
  const float* rows = encoder.forward(team, molecules, noise);
  std::vector<float> cls;
  for (size_t m = 0; m < molecules.size(); ++m)
    cls.insert(cls.end(), rows + encoder.first_token(m) * width,
               rows + (encoder.first_token(m) + 1) * width);

  const Head& head = model.heads().front();
  const auto targets = golden.at("target").floats();
  const std::vector<uint32_t> ids(molecules.size());
  const HeadDropout no_dropout{0, 0, 0, ids};
  HeadActivations activations;
  std::vector<float> outputs(targets.size()), d_outputs(targets.size()), d_cls(cls.size());
  head_forward_training(head, cls.data(), no_dropout, activations, outputs.data());
  const LossSum loss =
      evaluate_loss({}, outputs.data(), targets.data(), targets.size(), d_outputs.data());
  const double expected = golden.at("loss").numbers.at(0);
  EXPECT_NEAR(loss.mean(), expected, 1e-5 * std::abs(expected));
  Head gradient = make_head(head.kind, head.width, head.outputs);
  head_backward(head, no_dropout, activations, d_outputs.data(), gradient, d_cls.data());

  std::vector<float> d_rows(padded_rows(encoder.tokens()) * width, 0.0f);
  for (size_t m = 0; m < molecules.size(); ++m)
    std::copy_n(d_cls.data() + m * width, width, d_rows.data() + encoder.first_token(m) * width);
  encoder.backward(team, noise, d_rows.data());
  for (const auto& entry : parameters.entries())
    if (!entry.name.starts_with("classification_head.")) expect_close(entry, golden);
}

INSTANTIATE_TEST_SUITE_P(
    Golden, Gradient,
    testing::Values(
        Case{"molecule_linear.pth", "molecule_linear_forward.npz", "molecule_linear_gradient.npz"},
        Case{"molecule_pooler.pth", "molecule_pooler_forward.npz", "molecule_pooler_gradient.npz"},
        Case{"molecule_odd.pth", "molecule_odd_given_forward.npz", "molecule_odd_gradient.npz"},
        Case{"oled_linear.pth", "oled_linear_forward.npz", "oled_linear_gradient.npz"}));

}  // namespace
}  // namespace molrt
