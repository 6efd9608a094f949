#include "chem/scaffold.h"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "support/npz.h"

namespace molrt {
namespace {

TEST(Scaffold, IsRdkits) {
  std::ifstream file(test::golden_path("splits.json"));
  const auto golden = nlohmann::json::parse(file);
  for (size_t i = 0; i < golden["smiles"].size(); ++i) {
    const auto smiles = golden["smiles"][i].get<std::string>();
    EXPECT_EQ(murcko_scaffold(smiles, true), golden["chiral"][i]) << smiles;
    EXPECT_EQ(murcko_scaffold(smiles, false), golden["flat"][i]) << smiles;
  }
}

TEST(Scaffold, OfADrawingIsThatOfItsMolecule) {
  const std::string block =
      "toluene\n     RDKit          2D\n\n  8  8  0  0  0  0  0  0  0  0999 V2000\n"
      "    1.5000    0.0000    0.0000 C   0  0\n    0.7500   -1.2990    0.0000 C   0  0\n"
      "   -0.7500   -1.2990    0.0000 C   0  0\n   -1.5000    0.0000    0.0000 C   0  0\n"
      "   -0.7500    1.2990    0.0000 C   0  0\n    0.7500    1.2990    0.0000 C   0  0\n"
      "    3.0000    0.0000    0.0000 C   0  0\n    4.0000    0.0000    0.0000 H   0  0\n"
      "  1  2  2  0\n  2  3  1  0\n  3  4  2  0\n  4  5  1  0\n  5  6  2  0\n  6  1  1  0\n"
      "  1  7  1  0\n  7  8  1  0\nM  END\n";
  EXPECT_EQ(murcko_scaffold({block, TextFormat::mol_block}, true), "c1ccccc1");
}

TEST(Scaffold, OfWhatCannotBeReadIsTheText) { EXPECT_EQ(murcko_scaffold("C1CC", true), "C1CC"); }

}  // namespace
}  // namespace molrt
