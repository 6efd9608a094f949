// The network against the peer's own numbers: representations and logits of every golden forward
// file within 1e-5 (golden README), and the same bytes whatever the batch, its order and the
// threads.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <numeric>

#include "model/run.h"
#include "support/golden.h"

namespace molrt {
namespace {

using test::golden_features;
using test::golden_path;
using test::load_npz;
using test::Npz;
using test::open_golden;
using test::pointers;
using test::relative_error;

constexpr double tolerance = 1e-5;

struct Outputs {
  std::vector<std::vector<float>> rows;  // of each molecule: [length, width]
};

Outputs run(const Model& model, const std::vector<const Features*>& molecules, int threads,
            int batch_size) {
  Outputs outputs;
  outputs.rows.resize(molecules.size());
  EncoderRun encoder;
  encoder.threads = threads;
  encoder.batch_size = batch_size;
  encoder.consume = [&](size_t m, size_t, const float* rows) {
    const size_t count = molecules[m]->length() * size_t(model.card().architecture.width);
    outputs.rows[m].assign(rows, rows + count);
  };
  run_encoder(model, molecules, encoder);
  return outputs;
}

struct Case {
  const char* weights;
  const char* forward;
  // The molecules given to the oled weights were read by the peer with the hydrogens they have.
  std::optional<Hydrogens> hydrogens = std::nullopt;
};

Model open_case(const Case& c) {
  OpenOptions options;
  options.hydrogens = c.hydrogens;
  return open_golden(c.weights, options);
}

class Forward : public testing::TestWithParam<Case> {};

TEST_P(Forward, RepresentationsAndLogitsMatchThePeer) {
  const Model model = open_case(GetParam());
  const Npz golden = load_npz(golden_path(GetParam().forward));
  const size_t width = model.card().architecture.width;
  const auto features = golden_features(golden, model);
  const Outputs outputs = run(model, pointers(features), 2, 0);
  std::vector<float> cls, atoms, logits, tokens;
  for (size_t m = 0; m < features.size(); ++m) {
    const auto& rows = outputs.rows[m];
    cls.insert(cls.end(), rows.begin(), rows.begin() + width);
    atoms.insert(atoms.end(), rows.begin() + width, rows.end() - width);
    tokens.insert(tokens.end(), features[m].tokens.begin() + 1, features[m].tokens.end() - 1);
    std::vector<float> mean(model.card().outputs()), std(model.card().outputs());
    std::vector<double> scaled(model.scaled_size());
    model.scaled_outputs(0, rows.data(), scaled.data());
    model.finish(scaled.data(), mean.data(), std.data());
    logits.insert(logits.end(), mean.begin(), mean.end());
  }
  EXPECT_EQ(tokens, golden.at("tokens").floats());
  EXPECT_LE(relative_error(cls, golden.at("cls_repr").floats()), tolerance);
  EXPECT_LE(relative_error(atoms, golden.at("atom_repr").floats()), tolerance);
  EXPECT_LE(relative_error(logits, golden.at("logits").floats()), tolerance);
}

TEST_P(Forward, BytesDoNotDependOnBatchOrderOrThreads) {
  const Model model = open_case(GetParam());
  const auto features = golden_features(load_npz(golden_path(GetParam().forward)), model);
  auto molecules = pointers(features);
  const Outputs alone = run(model, molecules, 1, 1);
  for (int threads : {1, 2, 3})
    for (int batch_size : {0, 2, 7, 100}) {
      const Outputs together = run(model, molecules, threads, batch_size);
      EXPECT_TRUE(alone.rows == together.rows) << threads << " threads, batch " << batch_size;
    }
  std::reverse(molecules.begin(), molecules.end());
  Outputs reversed = run(model, molecules, 2, 5);
  std::reverse(reversed.rows.begin(), reversed.rows.end());
  EXPECT_TRUE(alone.rows == reversed.rows);
}

INSTANTIATE_TEST_SUITE_P(
    Golden, Forward,
    testing::Values(Case{"molecule_linear.pth", "molecule_linear_forward.npz"},
                    Case{"molecule_linear.pth", "molecule_linear_given_forward.npz"},
                    Case{"molecule_pooler.pth", "molecule_pooler_forward.npz"},
                    Case{"molecule_pooler.pth", "molecule_pooler_given_forward.npz"},
                    Case{"molecule_odd.pth", "molecule_odd_given_forward.npz"},
                    Case{"oled_linear.pth", "oled_linear_forward.npz"},
                    Case{"oled_linear.pth", "oled_linear_given_forward.npz", Hydrogens::all}),
    [](const auto& info) {
      std::string name = info.param.forward;
      name.resize(name.find('.'));
      return name;
    });

// How far the CLS of molecule_linear.pth, read with this layout, is from the peer's specials first.
double distance_to_specials_first(TokenLayout layout) {
  OpenOptions options;
  options.layout = layout;
  const Model model = open_golden("molecule_linear.pth", options);
  const Npz coordinates = load_npz(golden_path("molecule_linear_forward.npz"));
  const Npz golden = load_npz(golden_path("molecule_linear_specials_first_forward.npz"));
  const auto features = golden_features(coordinates, model);
  const Outputs outputs = run(model, pointers(features), 2, 0);
  std::vector<float> cls;
  for (const auto& rows : outputs.rows) cls.insert(cls.end(), rows.begin(), rows.begin() + 64);
  return relative_error(cls, golden.at("cls_repr").floats());
}

TEST(ForwardLayout, SpecialsFirstMatchesThePeer) {
  EXPECT_LE(distance_to_specials_first(TokenLayout::specials_first), tolerance);
}

// Leaving out a term must show: otherwise the tolerance above would prove nothing.
TEST(ForwardLayout, TheOtherLayoutIsFarAway) {
  EXPECT_GT(distance_to_specials_first(TokenLayout::file_order), 1e-3);
}

}  // namespace
}  // namespace molrt
