// RDKit's conformers, bit for bit those of the peer's call from Python (golden README).
#include "chem/conformer.h"

#include <gtest/gtest.h>

#include "support/npz.h"

namespace molrt {
namespace {

using test::Npz;

struct GoldenMolecule {
  std::string smiles, status;
  std::vector<std::string> symbols;
  std::vector<float> coordinates;
};

std::vector<GoldenMolecule> load(const std::string& file) {
  const Npz npz = test::load_npz(test::golden_path(file));
  const std::vector<int64_t> offsets = npz.at("offsets").integers();
  const std::vector<std::string>& symbols = npz.at("symbols").strings;
  const std::vector<float> coordinates = npz.at("coordinates").floats();
  std::vector<GoldenMolecule> molecules;
  for (size_t m = 0; m + 1 < offsets.size(); ++m)
    molecules.push_back(
        {npz.at("smiles").strings[m],
         npz.at("status").strings[m],
         {symbols.begin() + offsets[m], symbols.begin() + offsets[m + 1]},
         {coordinates.begin() + 3 * offsets[m], coordinates.begin() + 3 * offsets[m + 1]}});
  return molecules;
}

std::string source_name(int32_t source) {
  if (source == MOLRT_SOURCE_ETKDG_MMFF) return "etkdg_mmff";
  if (source == MOLRT_SOURCE_ETKDG) return "etkdg";
  return source == MOLRT_SOURCE_2D ? "2d" : "none";
}

void expect_equal(const GoldenMolecule& golden, bool hydrogens, const ConformerOptions& options) {
  const ConformerResult result = make_conformer(golden.smiles, options);
  ASSERT_EQ(result.status, MOLRT_ROW_OK) << result.message;
  EXPECT_EQ(source_name(result.source), golden.status) << golden.smiles;
  std::vector<std::string> symbols;
  std::vector<float> coordinates;
  for (size_t i = 0; i < result.conformer.atoms(); ++i) {
    if (!hydrogens && result.conformer.atomic_numbers[i] == 1) continue;
    symbols.push_back(element_symbol(result.conformer.atomic_numbers[i]));
    const auto xyz = result.conformer.coordinates.begin() + 3 * i;
    coordinates.insert(coordinates.end(), xyz, xyz + 3);
  }
  EXPECT_EQ(symbols, golden.symbols) << golden.smiles;
  EXPECT_EQ(coordinates, golden.coordinates) << golden.smiles;  // == on floats: bit for bit
}

class GoldenConformers : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (!rdkit_version().starts_with("2022.09"))
      GTEST_SKIP() << "the golden coordinates are RDKit 2022.09's, this is " << rdkit_version();
  }
};

TEST_P(GoldenConformers, EqualThePeersBitForBit) {
  const std::string file = GetParam();
  const std::vector<GoldenMolecule> molecules = load(file);
  ASSERT_EQ(molecules.size(), 36u);
  ConformerOptions options;
  options.peer_ladder = true;
  for (const GoldenMolecule& golden : molecules)
    expect_equal(golden, !file.starts_with("oled"), options);
}

TEST_P(GoldenConformers, DefaultLadderOnlyReplacesThe2dRung) {
  const std::string file = GetParam();
  for (const GoldenMolecule& golden : load(file)) {
    if (golden.status != "2d") {
      expect_equal(golden, !file.starts_with("oled"), {});
      continue;
    }
    const ConformerResult result = make_conformer(golden.smiles, {});
    const bool retried = result.flags & MOLRT_FLAG_RETRIED;
    EXPECT_EQ(retried, result.source != MOLRT_SOURCE_2D) << golden.smiles;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Files, GoldenConformers,
    testing::Values("molecule_linear_forward.npz", "oled_linear_forward.npz"),
    [](const auto& info) {
      return std::string(info.param).substr(0, std::string(info.param).find('_'));
    });

}  // namespace
}  // namespace molrt
