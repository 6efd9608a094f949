#include "features/features.h"

#include <gtest/gtest.h>

#include <cmath>

#include "support/npz.h"

namespace molrt {
namespace {

Dictionary molecule_dictionary(TokenLayout layout = TokenLayout::file_order) {
  return Dictionary::parse(Dictionary::shipped_text(31), "mol", layout);
}

Conformer water() {
  return given_conformer({"H", "O", "H"}, {1, 0, 0, 0, 0, 9, 0, 2, 0}).conformer;
}

TEST(Features, TokensAndCentredCoordinates) {
  const Features features = make_features(water(), molecule_dictionary(), {});
  EXPECT_EQ(features.status, MOLRT_ROW_OK);
  EXPECT_EQ(features.flags, 0u);
  EXPECT_EQ(features.tokens, (std::vector<int32_t>{1, 8, 6, 8, 2}));
  EXPECT_EQ(features.length(), 5);
  EXPECT_EQ(features.atoms, (std::vector<int32_t>{0, 1, 2}));
  const float x = 1 / 3.0f, y = 2 / 3.0f;
  EXPECT_EQ(features.coordinates,
            (std::vector<float>{0, 0, 0, 1 - x, -y, -3, -x, -y, 6, -x, 2 - y, -3, 0, 0, 0}));
}

TEST(Features, LayoutOfTheSpecialTokens) {
  const Features features =
      make_features(water(), molecule_dictionary(TokenLayout::specials_first), {});
  EXPECT_EQ(features.tokens, (std::vector<int32_t>{0, 8, 6, 8, 3}));
}

TEST(Features, HydrogensAreRemovedBeforeTheMean) {
  FeatureOptions options;
  options.remove_hydrogens = true;
  Features features = make_features(water(), molecule_dictionary(), options);
  EXPECT_EQ(features.tokens, (std::vector<int32_t>{1, 6, 2}));
  EXPECT_EQ(features.coordinates, std::vector<float>(9, 0.0f));
  EXPECT_EQ(features.atoms, std::vector<int32_t>{1});
  EXPECT_EQ(features.flags, 0u);
  options.given = true;
  EXPECT_EQ(make_features(water(), molecule_dictionary(), options).flags,
            MOLRT_FLAG_HYDROGENS_REMOVED);
}

TEST(Features, DeuteriumIsHydrogen) {
  FeatureOptions options;
  options.remove_hydrogens = true;
  const Conformer heavy_water = make_conformer("[2H]O[2H]", {}).conformer;
  EXPECT_EQ(make_features(heavy_water, molecule_dictionary(), options).length(), 3);
}

TEST(Features, RowsWithoutAtoms) {
  const Conformer hydrogen = make_conformer("[H][H]", {}).conformer;
  FeatureOptions options;
  EXPECT_EQ(make_features(hydrogen, molecule_dictionary(), options).status, MOLRT_ROW_OK);
  options.remove_hydrogens = true;
  const Features none = make_features(hydrogen, molecule_dictionary(), options);
  EXPECT_EQ(none.status, MOLRT_ROW_NO_ATOMS);
  EXPECT_TRUE(none.tokens.empty() && none.coordinates.empty() && none.atoms.empty());
  EXPECT_FALSE(none.message.empty());
  EXPECT_EQ(make_features({}, molecule_dictionary(), options).status, MOLRT_ROW_EMPTY);
}

TEST(Features, UnknownElementsAndDummiesAreFlagged) {
  for (const char* smiles : {"[Pt]", "*"}) {
    const Features features =
        make_features(make_conformer(smiles, {}).conformer, molecule_dictionary(), {});
    EXPECT_EQ(features.flags, MOLRT_FLAG_UNKNOWN_ELEMENT) << smiles;
    EXPECT_EQ(features.tokens[1], 3) << smiles;
  }
}

TEST(Features, TooLargeOrCropped) {
  FeatureOptions options;
  options.max_atoms = 3;
  EXPECT_EQ(make_features(water(), molecule_dictionary(), options).status, MOLRT_ROW_OK);
  options.max_atoms = 2;
  const Features large = make_features(water(), molecule_dictionary(), options);
  EXPECT_EQ(large.status, MOLRT_ROW_TOO_LARGE);
  EXPECT_NE(large.message.find("3 atoms are more than the limit of 2"), std::string::npos);
  EXPECT_TRUE(large.tokens.empty());
  options.crop = true;
  const Features cropped = make_features(water(), molecule_dictionary(), options);
  EXPECT_EQ(cropped.flags, MOLRT_FLAG_CROPPED);
  EXPECT_EQ(cropped.tokens, (std::vector<int32_t>{1, 8, 6, 2}));
  EXPECT_EQ(cropped.atoms, (std::vector<int32_t>{0, 1}));
  EXPECT_EQ(cropped.coordinates[3], 0.5f);  // centred on the atoms kept
}

TEST(Features, LimitCountsAtomsAfterHydrogensAreRemoved) {
  FeatureOptions options;
  options.max_atoms = 1;
  options.remove_hydrogens = true;
  EXPECT_EQ(make_features(water(), molecule_dictionary(), options).status, MOLRT_ROW_OK);
}

// Expected: numpy's x.astype(float32).mean(axis=0) of the same [300, 3] numbers. Any other order or
// width of the sum gives another mean.
TEST(Features, MeanIsSummedInOrderAsFloat32) {
  std::vector<double> coordinates;
  for (int i = 0; i < 3 * 300; ++i)
    coordinates.push_back(1000 + 20 * std::fmod(i * 0.6180339887, 1));
  const Conformer conformer =
      given_conformer(std::vector<std::string>(300, "C"), coordinates).conformer;
  FeatureOptions options;
  options.max_atoms = 300;
  const Features features = make_features(conformer, molecule_dictionary(), options);
  const float mean[3] = {0x1.f904140000000p+9f, 0x1.f8f6600000000p+9f, 0x1.f902880000000p+9f};
  for (int c = 0; c < 3; ++c)
    EXPECT_EQ(features.coordinates[3 + c], conformer.coordinates[c] - mean[c]);
}

TEST(Features, CoordinatesThatOverflowAreBad) {
  const Conformer far = given_conformer({"C", "C"}, {3e38, 0, 0, 3e38, 0, 0}).conformer;
  EXPECT_EQ(make_features(far, molecule_dictionary(), {}).status, MOLRT_ROW_BAD_COORDINATES);
}

class GoldenTokens : public testing::TestWithParam<const char*> {};

TEST_P(GoldenTokens, Equal) {
  const std::string file = GetParam();
  const test::Npz npz = test::load_npz(test::golden_path(file + "_forward.npz"));
  const Dictionary dictionary = Dictionary::parse(
      Dictionary::shipped_text(file.starts_with("oled") ? 94 : 31), file, TokenLayout::file_order);
  const std::vector<int64_t> offsets = npz.at("offsets").integers();
  const std::vector<std::string>& symbols = npz.at("symbols").strings;
  const std::vector<double>& coordinates = npz.at("coordinates").numbers;
  const std::vector<int64_t> tokens = npz.at("tokens").integers();
  ASSERT_FALSE(tokens.empty());
  for (size_t m = 0; m + 1 < offsets.size(); ++m) {
    const int64_t first = offsets[m], last = offsets[m + 1];
    const Conformer conformer =
        given_conformer({symbols.begin() + first, symbols.begin() + last},
                        {coordinates.begin() + 3 * first, coordinates.begin() + 3 * last})
            .conformer;
    const Features features = make_features(conformer, dictionary, {});
    ASSERT_EQ(features.status, MOLRT_ROW_OK) << features.message;
    std::vector<int32_t> expected{dictionary.cls()};
    expected.insert(expected.end(), tokens.begin() + first, tokens.begin() + last);
    expected.push_back(dictionary.sep());
    EXPECT_EQ(features.tokens, expected) << file << ", molecule " << m;
  }
}

INSTANTIATE_TEST_SUITE_P(Files, GoldenTokens,
                         testing::Values("molecule_linear", "molecule_pooler", "oled_linear",
                                         "molecule_linear_given", "molecule_pooler_given",
                                         "molecule_odd_given", "oled_linear_given"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace molrt
