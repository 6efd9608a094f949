#include "chem/mol_block.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "chem/conformer.h"

namespace molrt {
namespace {

using Indices = std::vector<int32_t>;
using Numbers = std::vector<uint8_t>;

struct At {
  const char* symbol;
  double x, y, z;
};

struct Bonded {
  int first, second, order;
  int stereo = 0;
};

std::string block(const std::vector<At>& atoms, const std::vector<Bonded>& bonds,
                  const char* dimension = "3D", const char* properties = "") {
  std::string text = fmt::format("named\n     tests          {}\n\n{:3}{:3}", dimension,
                                 atoms.size(), bonds.size()) +
                     "  0  0  0  0  0  0  0  0999 V2000\n";
  for (const At& a : atoms)
    text += fmt::format("{:10.4f}{:10.4f}{:10.4f} {:<3} 0  0  0  0  0  0  0  0  0  0  0  0\n", a.x,
                        a.y, a.z, a.symbol);
  for (const Bonded& b : bonds)
    text += fmt::format("{:3}{:3}{:3}{:3}\n", b.first, b.second, b.order, b.stereo);
  return text + properties + "M  END\n";
}

ConformerResult read(const std::string& text, const ConformerOptions& options = {}) {
  return make_conformer({text, TextFormat::mol_block}, options);
}

void expect_status(const std::string& text, int32_t status, std::string_view reason) {
  const ConformerResult result = read(text);
  EXPECT_EQ(result.status, status) << result.message << "\n" << text.substr(0, 1000);
  EXPECT_NE(result.message.find(reason), std::string::npos) << result.message;
  EXPECT_EQ(result.source, MOLRT_SOURCE_NONE);
  EXPECT_EQ(result.conformer.atoms(), 0u);
}

const std::vector<At> water = {{"H", .757, .586, .1}, {"O", 0, 0, 0}, {"H", -.757, .586, 0}};
const std::vector<Bonded> water_bonds = {{1, 2, 1}, {2, 3, 1}};
const std::vector<At> ethanol = {{"C", 0, 0, 0}, {"C", 1.5, 0, .1}, {"O", 2, 1.2, .5}};
const std::vector<Bonded> chain = {{1, 2, 1}, {2, 3, 1}};

TEST(MolBlock, AStructureGivesItsOwnCoordinatesInItsOwnOrder) {
  const ConformerResult result = read(block(water, water_bonds));
  ASSERT_EQ(result.status, MOLRT_ROW_OK) << result.message;
  EXPECT_EQ(result.source, MOLRT_SOURCE_GIVEN);
  EXPECT_EQ(result.flags, 0u);
  EXPECT_EQ(result.conformer.atomic_numbers, (Numbers{1, 8, 1}));
  EXPECT_EQ(result.conformer.input_index, (Indices{0, 1, 2}));
  EXPECT_EQ(result.conformer.coordinates,
            (std::vector<float>{.757f, .586f, .1f, 0, 0, 0, -.757f, .586f, 0}));
}

TEST(MolBlock, MissingHydrogensOfAStructureAreAddedWithCoordinates) {
  std::vector<At> atoms = ethanol;
  atoms.push_back({"H", -.5, .9, 0});  // one of the first carbon's three
  std::vector<Bonded> bonds = chain;
  bonds.push_back({1, 4, 1});
  const ConformerResult result = read(block(atoms, bonds));
  ASSERT_EQ(result.status, MOLRT_ROW_OK) << result.message;
  EXPECT_EQ(result.source, MOLRT_SOURCE_GIVEN);
  EXPECT_EQ(result.flags, MOLRT_FLAG_HYDROGENS_ADDED);
  EXPECT_EQ(result.conformer.input_index, (Indices{0, 1, 2, 3, -1, -1, -1, -1, -1}));
  const std::vector<float>& x = result.conformer.coordinates;
  EXPECT_EQ(x[3], 1.5f);
  for (size_t added : {size_t{4}, size_t{5}}) {
    const double length = std::hypot(x[3 * added], x[3 * added + 1], x[3 * added + 2]);
    EXPECT_NEAR(length, 1.1, .1);  // C-H
  }
}

TEST(MolBlock, ThreeDimensionsAreToldByZOrTheHeader) {
  std::vector<At> planar = water;
  planar[0].z = 0;
  const auto source = [](const std::string& text) { return read(text).source; };
  EXPECT_EQ(source(block(water, water_bonds, "  ")), MOLRT_SOURCE_GIVEN);
  EXPECT_EQ(source(block(water, water_bonds, "2D")), MOLRT_SOURCE_GIVEN);
  EXPECT_EQ(source(block(planar, water_bonds, "3D")), MOLRT_SOURCE_GIVEN);
  EXPECT_EQ(source(block(planar, water_bonds, "2D")), MOLRT_SOURCE_ETKDG_MMFF);
  EXPECT_EQ(source(block(planar, water_bonds, "  ")), MOLRT_SOURCE_ETKDG_MMFF);
  EXPECT_EQ(source(block({{"C", 0, 0, 0}, {"C", 0, 0, 0}, {"O", 0, 0, 0}}, chain, "3D")),
            MOLRT_SOURCE_ETKDG_MMFF);
  EXPECT_EQ(source(block({{"C", 0, 0, 0}, {"C", 1, 0, 0}, {"O", 2, 1, 0}},
                         {{1, 2, 1, 1}, {2, 3, 1}}, "3D")),
            MOLRT_SOURCE_ETKDG_MMFF);  // wedged: a drawing
}

TEST(MolBlock, ADrawingIsEmbeddedAsItsSmiles) {
  std::vector<At> drawn = ethanol;
  for (At& atom : drawn) atom.z = 0;
  const ConformerResult result = read(block(drawn, chain, "2D"));
  const ConformerResult smiles = make_conformer("CCO", {});
  EXPECT_EQ(result.source, MOLRT_SOURCE_ETKDG_MMFF);
  EXPECT_EQ(result.flags, 0u);
  EXPECT_EQ(result.conformer.coordinates, smiles.conformer.coordinates);
  EXPECT_EQ(result.conformer.input_index, smiles.conformer.input_index);
}

TEST(MolBlock, HydrogensThatADrawingWritesKeepTheirIndex) {
  const ConformerResult result =
      read(block({{"H", -1, 0, 0}, {"O", 0, 0, 0}, {"C", 1, 0, 0}, {"H", 2, 0, 0}},
                 {{1, 2, 1}, {2, 3, 1}, {3, 4, 1}}, "2D"));
  ASSERT_EQ(result.status, MOLRT_ROW_OK) << result.message;
  EXPECT_EQ(result.conformer.input_index, (Indices{1, 2, 0, 3, -1, -1}));
  EXPECT_EQ(result.conformer.coordinates, make_conformer("OC", {}).conformer.coordinates);
}

// Of F, Cl, Br around C: the sign is the handedness.
double volume(const ConformerResult& result, const Indices& neighbours) {
  const std::vector<float>& x = result.conformer.coordinates;
  const auto bond = [&](int to, int c) { return double{x[3 * neighbours[to] + c]} - x[c]; };
  return bond(0, 0) * (bond(1, 1) * bond(2, 2) - bond(1, 2) * bond(2, 1)) -
         bond(0, 1) * (bond(1, 0) * bond(2, 2) - bond(1, 2) * bond(2, 0)) +
         bond(0, 2) * (bond(1, 0) * bond(2, 1) - bond(1, 1) * bond(2, 0));
}

TEST(MolBlock, WedgesAreHonoured) {
  const auto drawn = [](int wedge) {
    return read(block({{"C", 0, 0, 0}, {"F", 0, 1, 0}, {"Cl", 1, -.5, 0}, {"Br", -1, -.5, 0}},
                      {{1, 2, 1, wedge}, {1, 3, 1}, {1, 4, 1}}, "2D"));
  };
  constexpr int up = 1, down = 6;
  // F towards the viewer, the hydrogen away from it: seen from the front Cl and Br follow
  // clockwise.
  EXPECT_LT(volume(drawn(up), {1, 2, 3}) * volume(drawn(down), {1, 2, 3}), -1);
  const ConformerResult smiles = make_conformer("C(F)(Cl)Br", {});
  EXPECT_GT(std::abs(volume(smiles, {1, 2, 3})), 1);
}

TEST(MolBlock, TheDrawnSideOfADoubleBondIsKept) {
  const auto distance = [](double y) {  // of the two F
    const auto result =
        read(block({{"F", -1, 1, 0}, {"C", 0, 0, 0}, {"C", 1.3, 0, 0}, {"F", 2.3, y, 0}},
                   {{1, 2, 1}, {2, 3, 2}, {3, 4, 1}}, "2D"));
    const std::vector<float>& x = result.conformer.coordinates;
    return std::hypot(x[0] - x[9], x[1] - x[10], x[2] - x[11]);
  };
  EXPECT_LT(distance(1), 3.2);
  EXPECT_GT(distance(-1), 3.2);
}

const char* const v3000 = R"(v3
     tests          3D

  0  0  0     0  0            999 V3000
M  V30 BEGIN CTAB
M  V30 COUNTS 3 2 0 0 0
M  V30 BEGIN ATOM
M  V30 1 H 0.757 0.586 0.1 0
M  V30 2 O 0 0 0 0
M  V30 3 H -0.757 0.586 0 0
M  V30 END ATOM
M  V30 BEGIN BOND
M  V30 1 1 1 2
M  V30 2 1 2 3
M  V30 END BOND
M  V30 END CTAB
M  END
)";

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const size_t at = text.find(from);
  if (at == text.npos) throw std::invalid_argument(from);
  return text.replace(at, from.size(), to);
}

TEST(MolBlock, V3000IsReadAsWell) {
  const ConformerResult result = read(v3000);
  ASSERT_EQ(result.status, MOLRT_ROW_OK) << result.message;
  EXPECT_EQ(result.conformer.coordinates, read(block(water, water_bonds)).conformer.coordinates);
  EXPECT_EQ(read(replaced(v3000, "COUNTS 3", "COUNTS   3")).status, MOLRT_ROW_OK);
}

TEST(MolBlock, WhatFollowsTheEndAndTheKindOfLineBreaksDoNotMatter) {
  const std::string plain = block(water, water_bonds);
  const std::vector<float> expected = read(plain).conformer.coordinates;
  ASSERT_FALSE(expected.empty());
  EXPECT_EQ(read(plain + "> <y>\n1.5\n\n$$$$\nrubbish").conformer.coordinates, expected);
  std::string dos;
  for (char c : plain) dos += c == '\n' ? std::string("\r\n") : std::string(1, c);
  EXPECT_EQ(read(dos).conformer.coordinates, expected);
}

TEST(MolBlock, RGroupsAreUnknownElements) {
  for (const char* symbol : {"R#", "R1", "*", "R"}) {
    const ConformerResult result = read(block({{"C", 0, 0, 0}, {symbol, 1.5, 0, .2}}, {{1, 2, 1}}));
    ASSERT_EQ(result.status, MOLRT_ROW_OK) << symbol << ": " << result.message;
    EXPECT_EQ(result.conformer.atomic_numbers[1], 0) << symbol;
  }
}

TEST(MolBlock, QueriesAreNoMolecules) {
  for (const char* symbol : {"A", "Q"})
    expect_status(block({{"C", 0, 0, 0}, {symbol, 1.5, 0, .2}}, {{1, 2, 1}}),
                  MOLRT_ROW_INVALID_MOL_BLOCK, "atom 2 is a query");
  expect_status(
      block({{"C", 0, 0, 0}, {"L", 1.5, 0, .2}}, {{1, 2, 1}}, "3D", "M  ALS   2  2 F N   O   \n"),
      MOLRT_ROW_INVALID_MOL_BLOCK, "atom 2 is a query");
  for (int order : {5, 6, 7, 8})
    expect_status(block({{"C", 0, 0, 0}, {"C", 1.5, 0, .2}}, {{1, 2, order}}),
                  MOLRT_ROW_INVALID_MOL_BLOCK, "bond 1 is a query");
}

TEST(MolBlock, BrokenBlocksSayWhy) {
  expect_status("", MOLRT_ROW_EMPTY, "empty MOL block");
  expect_status(" \n\r\n\t", MOLRT_ROW_EMPTY, "empty MOL block");
  expect_status(block({}, {}), MOLRT_ROW_EMPTY, "without atoms");
  const int32_t invalid = MOLRT_ROW_INVALID_MOL_BLOCK;
  expect_status("CCO", invalid, "MOL block \"CCO\"");
  const std::string good = block(water, water_bonds);
  expect_status(good.substr(0, good.size() / 2), invalid, "MOL block \"named\"");
  expect_status(replaced(good, "M  END", "$$$$"), invalid, "MOL block");
  expect_status(replaced(good, "  3  2", "  4  2"), invalid, "MOL block");
  expect_status(replaced(good, "  3  2", "999999"), invalid, "MOL block");
  expect_status(replaced(good, "  3  2", " -1 -1"), invalid, "MOL block");
  expect_status(replaced(good, "  3  2", "xxxxxx"), invalid, "MOL block");
  expect_status(replaced(good, " O  ", " Xx "), invalid, "MOL block");
  expect_status(replaced(good, "  1  2  1", "  1  9  1"), invalid, "MOL block");
  expect_status(replaced(good, "  1  2  1", "  1  2  x"), invalid, "MOL block");
  expect_status(block({{"O", 0, 0, 0}, {"C", 1, 0, 1}, {"C", 0, 1, 1}, {"C", 1, 1, 1}},
                      {{1, 2, 1}, {1, 3, 1}, {1, 4, 1}}),
                invalid, "valence");
  expect_status(std::string(17 << 20, 'x'), invalid, "limit");
}

TEST(MolBlock, CountsThatNoFileHoldsAllocateNothing) {
  for (const char* counts :
       {"4294967295 2", "2000000000 2", "99999999999999999999 1", "x 2", "-3 2"})
    expect_status(replaced(v3000, "COUNTS 3 2", std::string("COUNTS ") + counts),
                  MOLRT_ROW_INVALID_MOL_BLOCK, "");
  for (const char* counts : {"3 4294967295", "3 2000000000", "3 -2", "3 2 2000000000"})
    EXPECT_NE(read(replaced(v3000, "COUNTS 3 2", std::string("COUNTS ") + counts)).status,
              MOLRT_ROW_PENDING)
        << counts;
}

TEST(MolBlock, CoordinatesMustBeFiniteFloats) {
  for (const char* bad : {"nan", "inf", "1e300", "-1e+39"})
    expect_status(replaced(v3000, "0.757", bad), MOLRT_ROW_BAD_COORDINATES, "atom 1 (H)");
  for (const char* bad : {"       nan", "     1e300", "     rubb."})  // V2000 has no exponents
    expect_status(replaced(block(water, water_bonds), "    0.7570", bad),
                  MOLRT_ROW_INVALID_MOL_BLOCK, "coordinates");
}

TEST(MolBlock, TooManyAtomsAreRefusedBeforeAnyWork) {
  ConformerOptions options;
  options.max_atoms = 2;
  EXPECT_EQ(read(block(water, water_bonds), options).status, MOLRT_ROW_TOO_LARGE);
  options.heavy_atoms_only = true;
  EXPECT_EQ(read(block(water, water_bonds), options).status, MOLRT_ROW_OK);
  // A drawing must be embedded, and so small enough for that; a structure need not.
  std::string drawing = replaced(v3000, "3D", "2D"), atoms;
  for (int i = 1; i <= 2100; ++i)
    atoms += fmt::format("M  V30 {} Cl {} {} 0 0\n", i, i % 50, i / 50);
  drawing =
      "many\n\n\n  0  0  0     0  0            999 V3000\nM  V30 BEGIN CTAB\n"
      "M  V30 COUNTS 2100 0 0 0 0\nM  V30 BEGIN ATOM\n" +
      atoms + "M  V30 END ATOM\nM  V30 END CTAB\nM  END\n";
  expect_status(drawing, MOLRT_ROW_TOO_LARGE, "limit of 2000");
  EXPECT_EQ(read(replaced(drawing, "Cl 1 0 0 0", "Cl 1 0 7 0")).source, MOLRT_SOURCE_GIVEN);
}

TEST(MolBlock, IsDescribedByItsTitle) {
  EXPECT_EQ(described({"a\x01 title\nmore", TextFormat::mol_block}), "MOL block \"a? title\"");
}

// Bytes changed and lines dropped, everywhere in a block: a status, never a crash.
TEST(MolBlock, DamagedBlocksAreStatuses) {
  ConformerOptions quick;
  quick.time_limit = 1;
  for (const std::string& text : {block(ethanol, chain), std::string(v3000)})
    for (size_t at = 0; at < text.size(); ++at)
      for (const char* damage : {"\n", "9", "-", "\xff", ""}) {
        std::string damaged = text;
        damaged.replace(at, 1, damage);
        EXPECT_NE(read(damaged, quick).status, MOLRT_ROW_PENDING);
      }
}

TEST(MolBlock, SdfKeepsItsBonds) {
  const MoleculeText text{block(water, water_bonds), TextFormat::mol_block};
  const std::string record = sdf_record(text, make_conformer(text, {}).conformer, "w");
  EXPECT_NE(record.find("\n  3  2  0"), std::string::npos) << record;
  const ConformerResult again = read(record);
  EXPECT_EQ(again.conformer.coordinates, make_conformer(text, {}).conformer.coordinates);
}

}  // namespace
}  // namespace molrt
