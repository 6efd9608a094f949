#include "chem/conformer.h"

#include <gtest/gtest.h>

#include <chrono>
#include <clocale>
#include <cmath>
#include <limits>
#include <locale>
#include <thread>

#include "base/error.h"

// Throwing out of RDKit 2022.09's embedding leaves its random number generator behind
// (chem/embedding.h); a leak in molrt's own frames is still reported.
extern "C" const char* __lsan_default_suppressions();
extern "C" const char* __lsan_default_suppressions() {
  return "leak:RDKit::DGeomHelpers::EmbeddingOps::embedPoints\n";
}

namespace molrt {
namespace {

using Indices = std::vector<int32_t>;
using Numbers = std::vector<uint8_t>;

const char* const buckminsterfullerene =
    "c12c3c4c5c1c1c6c7c2c2c8c3c3c9c4c4c%10c5c5c1c1c6c6c%11c7c2c2c7c8c3c3c8c9c4c4c9c%10c5c5c1c1c6c6"
    "c%11c2c2c7c3c3c8c4c4c9c5c1c1c6c2c3c41";

std::string repeat(std::string_view text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += text;
  return all;
}

void expect_status(std::string_view smiles, int32_t status, std::string_view reason,
                   const ConformerOptions& options = {}) {
  const ConformerResult result = make_conformer(smiles, options);
  EXPECT_EQ(result.status, status) << result.message;
  EXPECT_NE(result.message.find(reason), std::string::npos) << result.message;
  EXPECT_EQ(result.source, MOLRT_SOURCE_NONE);
  EXPECT_EQ(result.conformer.atoms(), 0u);
  EXPECT_TRUE(result.conformer.coordinates.empty() && result.conformer.input_index.empty());
}

void expect_molecule(std::string_view smiles, int32_t source, const Numbers& numbers) {
  const ConformerResult result = make_conformer(smiles, {});
  ASSERT_EQ(result.status, MOLRT_ROW_OK) << result.message;
  EXPECT_TRUE(result.message.empty());
  EXPECT_EQ(result.source, source) << smiles;
  EXPECT_EQ(result.conformer.atomic_numbers, numbers) << smiles;
  EXPECT_EQ(result.conformer.coordinates.size(), 3 * numbers.size());
  EXPECT_EQ(result.conformer.input_index.size(), numbers.size());
  for (float x : result.conformer.coordinates) EXPECT_TRUE(std::isfinite(x)) << smiles;
}

TEST(Conformer, KindsOfMolecules) {
  const int32_t mmff = MOLRT_SOURCE_ETKDG_MMFF, etkdg = MOLRT_SOURCE_ETKDG;
  expect_molecule("C", mmff, {6, 1, 1, 1, 1});
  expect_molecule("[Na+].[Cl-]", mmff, {11, 17});
  expect_molecule("[He]", etkdg, {2});
  expect_molecule("[Fe]", etkdg, {26});
  expect_molecule("*", etkdg, {0});
  expect_molecule("*C", etkdg, {0, 6, 1, 1, 1});
  expect_molecule("[CH3]", mmff, {6, 1, 1, 1});
  expect_molecule("[2H]O", mmff, {1, 8, 1});
  expect_molecule("[13CH4]", mmff, {6, 1, 1, 1, 1});
  expect_molecule("[NH4+]", mmff, {7, 1, 1, 1, 1});
  expect_molecule("[H][H]", etkdg, {1, 1});
  expect_molecule("[H+]", etkdg, {1});
  expect_molecule("F/C=C\\F", mmff, {9, 6, 6, 9, 1, 1});
}

TEST(Conformer, StereochemistryIsKept) {
  const auto volume = [](const char* smiles) {  // of F, Cl, Br around C: its sign is the handedness
    const std::vector<float> x = make_conformer(smiles, {}).conformer.coordinates;
    const auto bond = [&](int to, int c) { return double{x[3 * to + c]} - x[3 + c]; };
    return bond(0, 0) * (bond(2, 1) * bond(3, 2) - bond(2, 2) * bond(3, 1)) -
           bond(0, 1) * (bond(2, 0) * bond(3, 2) - bond(2, 2) * bond(3, 0)) +
           bond(0, 2) * (bond(2, 0) * bond(3, 1) - bond(2, 1) * bond(3, 0));
  };
  EXPECT_LT(volume("F[C@H](Cl)Br") * volume("F[C@@H](Cl)Br"), -1);
}

TEST(Conformer, IndexMapCountsTheAtomsOfTheSmiles) {
  EXPECT_EQ(make_conformer("CO", {}).conformer.input_index, (Indices{0, 1, -1, -1, -1, -1}));
  // RDKit takes the written hydrogens off and puts them back last.
  EXPECT_EQ(make_conformer("[H]OC([H])", {}).conformer.input_index, (Indices{1, 2, 0, 3, -1, -1}));
  EXPECT_EQ(make_conformer("[H][H]", {}).conformer.input_index, (Indices{0, 1}));
  EXPECT_EQ(make_conformer("[H]C([2H])=O", {}).conformer.input_index, (Indices{1, 2, 3, 0}));
  EXPECT_EQ(make_conformer("[H+].[H]O[H]", {}).conformer.input_index, (Indices{0, 2, 1, 3}));
}

TEST(Conformer, NamesAndExtensionsAfterTheSmilesAreAccepted) {
  const std::vector<float> plain = make_conformer("CCO", {}).conformer.coordinates;
  ASSERT_FALSE(plain.empty());
  for (const char* text : {"CCO ethanol", "CCO\tethanol", "  CCO\r\n", "CCO \xc3\xa9thanol",
                           "CCO |(1,2,3;3,4,5;6,7,8)|", "CCO |$;;$| name"})
    EXPECT_EQ(make_conformer(text, {}).conformer.coordinates, plain) << text;
  expect_status("CCO |bad", MOLRT_ROW_INVALID_SMILES, "CXSMILES");
}

TEST(Conformer, EmptySmiles) {
  expect_status("", MOLRT_ROW_EMPTY, "empty");
  expect_status(" \t\r\n", MOLRT_ROW_EMPTY, "empty");
}

TEST(Conformer, InvalidSmilesSayWhy) {
  expect_status("C(C)(C)(C)(C)C", MOLRT_ROW_INVALID_SMILES, "valence for atom # 0 C, 5");
  expect_status("c1cccc1", MOLRT_ROW_INVALID_SMILES, "kekulize");
  for (const char* text : {"C1CC", "CC(", "CC)", "[Xx]", "[C", "]", "C..C", "hello", "C%(1)",
                           "[99999999999C]", "|$$|", "."})
    expect_status(text, MOLRT_ROW_INVALID_SMILES, "SMILES \"" + std::string(text) + "\": RDKit");
}

TEST(Conformer, CharactersThatRdkitTakesForTheEndAreInvalid) {
  for (std::string_view text :
       {std::string_view("CC\0O", 4), std::string_view("CC\nO"), std::string_view("CC\xc3\xa9O"),
        std::string_view("CC\xff"), std::string_view("CC\x7fO")})
    expect_status(text, MOLRT_ROW_INVALID_SMILES, "at position 3 is no character of SMILES");
}

TEST(Conformer, HugeAndDeeplyNestedSmiles) {
  expect_status(repeat("C", 100'000), MOLRT_ROW_TOO_LARGE, "100000 atoms are more than");
  expect_status(repeat("C", 100'001), MOLRT_ROW_INVALID_SMILES, "limit of 100000");
  expect_status(repeat("(", 100'000), MOLRT_ROW_INVALID_SMILES, "syntax");
  expect_status(repeat("[", 100'000), MOLRT_ROW_INVALID_SMILES, "syntax");
  expect_status(repeat("C(", 50'000), MOLRT_ROW_INVALID_SMILES, "syntax");
  expect_status(repeat("C(", 30'000) + "C" + repeat(")", 30'000), MOLRT_ROW_TOO_LARGE, "30001");
  EXPECT_LT(make_conformer(repeat("[", 100'000), {}).message.size(), 300u);
}

TEST(Conformer, TooLargeCountsWhatTheModelReads) {
  ConformerOptions options;
  options.max_atoms = 5;
  EXPECT_EQ(make_conformer("C", options).status, MOLRT_ROW_OK);
  expect_status("CC", MOLRT_ROW_TOO_LARGE, "8 atoms are more than the limit of 5", options);
  options.heavy_atoms_only = true;
  EXPECT_EQ(make_conformer("CCCCC", options).status, MOLRT_ROW_OK);
  EXPECT_EQ(make_conformer("[2H]C([2H])([2H])C([2H])([2H])[2H]", options).status, MOLRT_ROW_OK);
  expect_status("CCCCCC", MOLRT_ROW_TOO_LARGE, "6 heavy atoms are more than the limit of 5",
                options);
}

TEST(Conformer, TimeLimitEndsAnEmbedding) {
  ConformerOptions options;
  options.time_limit = 1;
  const auto start = std::chrono::steady_clock::now();
  expect_status(buckminsterfullerene, MOLRT_ROW_TIMEOUT, "time limit of 1 s", options);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(2));
  EXPECT_EQ(make_conformer("CCO", options).status, MOLRT_ROW_OK);
}

TEST(Conformer, TimeLimitHoldsBeforeTheFirstAttempt) {
  ConformerOptions options;
  options.time_limit = 1e-9;
  expect_status("CCO", MOLRT_ROW_TIMEOUT, "time limit", options);
}

TEST(Conformer, RetriesFromRandomCoordinatesUnlessLikeThePeer) {
  if (!rdkit_version().starts_with("2022.09"))
    GTEST_SKIP() << "other versions may embed it at once";
  const std::string alkane = repeat("C", 60);
  const ConformerResult retried = make_conformer(alkane, {});
  EXPECT_EQ(retried.source, MOLRT_SOURCE_ETKDG_MMFF);
  EXPECT_EQ(retried.flags, MOLRT_FLAG_RETRIED);
  ConformerOptions options;
  options.peer_ladder = true;
  const ConformerResult flat = make_conformer(alkane, options);
  EXPECT_EQ(flat.source, MOLRT_SOURCE_2D);
  EXPECT_EQ(flat.flags, 0u);
  for (size_t i = 2; i < flat.conformer.coordinates.size(); i += 3)
    ASSERT_EQ(flat.conformer.coordinates[i], 0.0f);
}

TEST(Conformer, SeedChoosesTheConformer) {
  ConformerOptions other;
  other.seed = 7;
  const auto coordinates = [](const ConformerOptions& options) {
    return make_conformer("CCCCO", options).conformer.coordinates;
  };
  EXPECT_EQ(coordinates({}), coordinates({}));
  EXPECT_NE(coordinates({}), coordinates(other));
}

TEST(Conformer, ManyThreadsGiveTheSameBytes) {
  const std::vector<std::string> smiles = {"CCO",      "c1ccccc1O", "CC(=O)N",     "C1CC",
                                           "OC(=O)CN", "[Fe].CC",   "F[C@H](Cl)Br"};
  std::vector<std::vector<ConformerResult>> found(8);
  std::vector<std::thread> threads;
  for (auto& results : found)
    threads.emplace_back([&] {
      for (const std::string& text : smiles) results.push_back(make_conformer(text, {}));
    });
  for (std::thread& thread : threads) thread.join();
  for (size_t i = 0; i < smiles.size(); ++i) {
    const ConformerResult alone = make_conformer(smiles[i], {});
    for (const auto& results : found) {
      EXPECT_EQ(results[i].status, alone.status);
      EXPECT_EQ(results[i].conformer.coordinates, alone.conformer.coordinates);
    }
  }
}

struct DecimalComma : std::numpunct<char> {
  char do_decimal_point() const override { return ','; }
  char do_thousands_sep() const override { return '.'; }
  std::string do_grouping() const override { return "\3"; }
};

// The host may change its locale at any time after molrt's first use.
TEST(Conformer, TheHostsCppLocaleDoesNotMatter) {
  const ConformerResult plain = make_conformer("CC(=O)[O-]", {});
  const std::string plain_sdf = sdf_record("CC(=O)[O-]", plain.conformer, "");
  const std::locale before =
      std::locale::global(std::locale(std::locale::classic(), new DecimalComma));
  const ConformerResult result = make_conformer("CC(=O)[O-]", {});
  const std::string sdf = sdf_record("CC(=O)[O-]", plain.conformer, "");
  std::locale::global(before);
  EXPECT_EQ(result.conformer.coordinates, plain.conformer.coordinates) << result.message;
  EXPECT_EQ(sdf, plain_sdf);
}

TEST(Conformer, TheHostsCLocaleDoesNotMatter) {
  const char* smiles = "CCO |(1.5,2.5,;3,4.25,;5,6,)|";  // numbers that RDKit has to read
  const std::vector<float> plain = make_conformer(smiles, {}).conformer.coordinates;
  const std::string before = std::setlocale(LC_ALL, nullptr);
  if (!std::setlocale(LC_ALL, "de_DE.UTF-8")) GTEST_SKIP() << "no locale de_DE.UTF-8 here";
  const ConformerResult result = make_conformer(smiles, {});
  std::setlocale(LC_ALL, before.c_str());
  EXPECT_EQ(result.conformer.coordinates, plain) << result.message;
}

TEST(GivenConformer, KeepsAtomsAndCoordinates) {
  const ConformerResult result = given_conformer({"O", "H", "D", "Uuo", "CL"},
                                                 {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, .1, 1e9, 0, 0, 0});
  EXPECT_EQ(result.status, MOLRT_ROW_OK);
  EXPECT_EQ(result.source, MOLRT_SOURCE_GIVEN);
  EXPECT_EQ(result.conformer.atomic_numbers, (Numbers{8, 1, 1, 0, 0}));
  EXPECT_EQ(result.conformer.input_index, (Indices{0, 1, 2, 3, 4}));
  EXPECT_EQ(result.conformer.coordinates[10], .1f);
}

TEST(GivenConformer, RejectsBadInput) {
  for (double bad : {double{NAN}, double{INFINITY}, 1e39}) {
    const ConformerResult result = given_conformer({"O", "H"}, {0, 0, 0, 0, bad, 0});
    EXPECT_EQ(result.status, MOLRT_ROW_BAD_COORDINATES);
    EXPECT_NE(result.message.find("y of atom 1 (H)"), std::string::npos) << result.message;
    EXPECT_EQ(result.conformer.atoms(), 0u);
    EXPECT_EQ(result.source, MOLRT_SOURCE_NONE);
  }
  EXPECT_EQ(given_conformer({}, {}).status, MOLRT_ROW_EMPTY);
  EXPECT_THROW(given_conformer({"O"}, {0, 0}), Error);
}

}  // namespace
}  // namespace molrt
