#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

#include "base/error.h"
#include "chem/conformer.h"

namespace molrt {
namespace {

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

std::vector<std::string> record(const char* smiles, const char* title) {
  return lines_of(sdf_record(smiles, make_conformer(smiles, {}).conformer, title));
}

TEST(Sdf, HasTitleAtomsKekuleBondsAndEnd) {
  const std::vector<std::string> lines = record("c1ccccc1 benzene", "row 7");
  ASSERT_EQ(lines.size(), 4u + 12 + 12 + 2);
  EXPECT_EQ(lines[0], "row 7");
  EXPECT_NE(lines[1].find("3D"), std::string::npos);
  EXPECT_EQ(lines[3].substr(0, 6), " 12 12");
  EXPECT_NE(lines[3].find("V2000"), std::string::npos);
  EXPECT_EQ(lines[4].substr(30, 3), " C ");
  const auto doubles = std::count_if(lines.begin() + 16, lines.begin() + 28,
                                     [](const auto& line) { return line.substr(6, 3) == "  2"; });
  EXPECT_EQ(doubles, 3);
  EXPECT_EQ(lines[28], "M  END");
  EXPECT_EQ(lines[29], "$$$$");
}

TEST(Sdf, HoldsTheConformersCoordinates) {
  const Conformer conformer = make_conformer("C[O-]", {}).conformer;
  const std::vector<std::string> lines = lines_of(sdf_record("C[O-]", conformer, ""));
  for (size_t i = 0; i < conformer.atoms(); ++i)
    for (size_t c = 0; c < 3; ++c)
      EXPECT_NEAR(std::stod(lines[4 + i].substr(10 * c, 10)), conformer.coordinates[3 * i + c],
                  6e-5);
  EXPECT_NE(std::find(lines.begin(), lines.end(), "M  CHG  1   2  -1"), lines.end());
}

TEST(Sdf, GivenAtomsHaveNoBonds) {
  const Conformer given = given_conformer({"O", "H", "Uuo"}, {0, 0, 0, 1, 0, 0, 0, 1, 0}).conformer;
  const std::vector<std::string> lines = lines_of(sdf_record("", given, "given"));
  EXPECT_EQ(lines[3].substr(0, 6), "  3  0");
  EXPECT_NE(lines[1].find("2D"), std::string::npos);  // all z are zero
  EXPECT_EQ(lines.back(), "$$$$");
}

TEST(Sdf, LargeMoleculesAreV3000) {
  const size_t atoms = 1000;
  const std::vector<std::string> symbols(atoms, "C");
  const Conformer given = given_conformer(symbols, std::vector<double>(3 * atoms, 1.5)).conformer;
  const std::string text = sdf_record("", given, "large");
  EXPECT_NE(text.find("V3000"), std::string::npos);
  EXPECT_NE(text.find("M  V30 COUNTS 1000 0"), std::string::npos);
  EXPECT_TRUE(text.ends_with("M  END\n$$$$\n"));
}

TEST(Sdf, TitleIsOneLineAndNeverARecordsEnd) {
  EXPECT_EQ(record("C", "two\nlines")[0], "two lines");
  EXPECT_EQ(record("C", "$$$$")[0], " $$$$");
  EXPECT_EQ(record("C named", "")[0], "");
}

// RDKit reads this one and finds no Kekule structure of it.
TEST(Sdf, BondsWithoutAKekuleStructureStayAromatic) {
  const std::string smiles = "S1cc2ccc1=s2";
  const std::string text = sdf_record(smiles, make_conformer(smiles, {}).conformer, "");
  EXPECT_NE(text.find("  3  4  4"), std::string::npos) << text;
}

TEST(Sdf, ForeignConformersAreRefused) {
  const Conformer methane = make_conformer("C", {}).conformer;
  EXPECT_THROW(sdf_record("CC", methane, ""), Error);
  EXPECT_THROW(sdf_record("[SiH4]", methane, ""), Error);
  EXPECT_THROW(sdf_record("C(", methane, ""), Error);
}

}  // namespace
}  // namespace molrt
