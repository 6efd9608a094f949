// Directories saved by unimol_tools against the peer's own predictions: each fold's outputs and the
// whole model's, within 1e-5 (golden README), before and after conversion to one file.
#include <gtest/gtest.h>

#include <cmath>

#include "model/run.h"
#include "support/golden.h"
#include "support/tools_folder.h"

namespace molrt {
namespace {

using test::golden_path;
using test::load_npz;
using test::Npz;
using test::relative_error;
using test::ToolsFolder;

constexpr double tolerance = 1e-5;

Model open(const std::string& path, std::optional<int> fold = {}) {
  OpenOptions options;
  options.fold = fold;
  return open_model(path, options, [](int32_t, const std::string&) {});
}

struct Outputs {
  std::vector<float> mean, std;  // [molecules, outputs]
  std::vector<float> scaled;     // [folds, molecules, outputs]
};

// Of the molecules of molecule_linear_forward.npz, from their stored coordinates.
Outputs predict(const Model& model) {
  static const Npz golden = load_npz(golden_path("molecule_linear_forward.npz"));
  const std::vector<Features> features = test::golden_features(golden, model);
  std::vector<std::vector<double>> scaled(features.size(),
                                          std::vector<double>(model.scaled_size()));
  EncoderRun run;
  run.consume = [&](size_t m, size_t encoder, const float* rows) {
    model.scaled_outputs(encoder, rows, scaled[m].data());
  };
  run_encoder(model, test::pointers(features), run);
  const size_t outputs = model.card().targets.size();
  Outputs result;
  for (const auto& molecule : scaled) {
    std::vector<float> mean(outputs), std(outputs);
    model.finish(molecule.data(), mean.data(), std.data());
    result.mean.insert(result.mean.end(), mean.begin(), mean.end());
    result.std.insert(result.std.end(), std.begin(), std.end());
  }
  for (size_t fold = 0; fold < model.heads().size(); ++fold)
    for (const auto& molecule : scaled)
      for (size_t t = 0; t < outputs; ++t)
        result.scaled.push_back(static_cast<float>(molecule[fold * outputs + t]));
  return result;
}

class ToolsDirectories : public testing::TestWithParam<const char*> {};

TEST_P(ToolsDirectories, PredictWhatThePeerPredicts) {
  const ToolsFolder folder(GetParam());
  const Npz expected = load_npz(folder.file("expected.npz"));
  const Model model = open(folder.path());
  EXPECT_EQ(model.encoders(), 2u);
  EXPECT_EQ(model.card().layout, TokenLayout::specials_first);
  EXPECT_EQ(model.card().hydrogens, Hydrogens::all);
  const Outputs outputs = predict(model);
  EXPECT_LE(relative_error(outputs.scaled, expected.at("folds").floats()), tolerance);
  EXPECT_LE(relative_error(outputs.mean, expected.at("prediction").floats()), tolerance);

  save_model(model, folder.file("one.molrt"), std::nullopt);
  const Outputs converted = predict(open(folder.file("one.molrt")));
  EXPECT_EQ(converted.mean, outputs.mean);
  EXPECT_EQ(converted.std, outputs.std);
}

TEST_P(ToolsDirectories, OneFoldIsAModelOfItsOwn) {
  const ToolsFolder folder(GetParam());
  const Outputs both = predict(open(folder.path()));
  save_model(open(folder.path()), folder.file("one.molrt"), std::nullopt);
  const size_t half = both.scaled.size() / 2;
  for (const int fold : {0, 1}) {
    const Model model = open(folder.path(), fold);
    EXPECT_EQ(model.card().folds(), 1);
    EXPECT_NO_THROW(model.require_one_encoder());
    const Outputs own = predict(model);
    EXPECT_TRUE(std::isnan(own.std[0]));
    EXPECT_TRUE(std::equal(own.scaled.begin(), own.scaled.end(),
                           both.scaled.begin() + static_cast<ptrdiff_t>(fold * half)));
    EXPECT_EQ(predict(open(folder.file("one.molrt"), fold)).mean, own.mean);
  }
}

// std is of the folds after scaling back, one by one.
TEST_P(ToolsDirectories, DeviationIsOfTheFoldsInTheirOwnUnits) {
  const ToolsFolder folder(GetParam());
  const Outputs both = predict(open(folder.path()));
  const auto first = predict(open(folder.path(), 0)).mean,
             second = predict(open(folder.path(), 1)).mean;
  for (size_t i = 0; i < both.std.size(); ++i)
    EXPECT_NEAR(both.std[i], std::abs(first[i] - second[i]) / std::sqrt(2.), 1e-5) << i;
}

INSTANTIATE_TEST_SUITE_P(Golden, ToolsDirectories,
                         testing::Values("standard", "power", "log1p", "minmax", "robust", "maxabs",
                                         "quantile", "none", "multi", "binary"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace molrt
