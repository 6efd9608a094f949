#include "chem/canonical.h"

#include <GraphMol/SmilesParse/SmilesParse.h>
#include <GraphMol/SmilesParse/SmilesWrite.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "base/error.h"
#include "chem/conformer.h"
#include "io/byte_stream.h"
#include "io/csv.h"
#include "support/npz.h"

namespace molrt {
namespace {

using Indices = std::vector<int32_t>;

std::string form(const std::string& smiles) { return canonical_form(smiles).text.text; }

TEST(Canonical, TextsOfAMoleculeBecomeOne) {
  for (const char* text : {"CCO", "OCC", "C(O)C", "[CH3][CH2][OH]", "[H]OCC", "OCC ethanol",
                           "[CH3:7][CH2:1]O", " CCO\r\n"})
    EXPECT_EQ(form(text), "CCO") << text;
  EXPECT_EQ(form("c1ccccc1"), form("C1=CC=CC=C1"));
  EXPECT_EQ(form("F/C=C/F"), form("C(\\F)=C/F"));
  EXPECT_NE(form("F/C=C/F"), form("F/C=C\\F"));
  EXPECT_EQ(form("C[C@H](N)O"), form("C[C@@H](O)N"));
  EXPECT_NE(form("C[C@H](N)O"), form("C[C@@H](N)O"));
  EXPECT_NE(form("[2H]C"), form("C"));
}

TEST(Canonical, AtomsKeepTheirIndexInTheTextGiven) {
  EXPECT_EQ(canonical_form("OCC").input_index, (Indices{2, 1, 0, -1, -1, -1, -1, -1, -1}));
  // A hydrogen that was written keeps its index; of those alike, any has it.
  EXPECT_EQ(canonical_form("[H]OC").input_index, (Indices{2, 1, -1, -1, -1, 0}));
  EXPECT_EQ(canonical_form("[H][H]").input_index.size(), 2u);
}

TEST(Canonical, EveryAtomIsFoundAgain) {
  for (const char* text : {"OCC[2H]", "[H]OC([H])(F)Cl", "[Na+].[O-]C", "*CC", "[H+].[H]O[H]",
                           "[H]/N=C/C", "[1*]CN", "c1ccccc1[N+](=O)[O-]", "[13CH4]"}) {
    const CanonicalForm canonical = canonical_form(text);
    const ConformerResult given = make_conformer(text, {});
    const ConformerResult made = make_conformer(canonical.text, {});
    ASSERT_EQ(made.conformer.atoms(), canonical.input_index.size()) << text;
    std::multiset<std::pair<int32_t, int>> expected, found;
    for (size_t i = 0; i < made.conformer.atoms(); ++i) {
      expected.emplace(given.conformer.input_index[i], given.conformer.atomic_numbers[i]);
      found.emplace(canonical.input_index[i], made.conformer.atomic_numbers[i]);
    }
    EXPECT_EQ(found, expected) << text << " -> " << canonical.text.text;
  }
}

TEST(Canonical, WhatCannotBeReadStays) {
  for (const char* text : {"", "C1CC", "not a molecule"}) {
    EXPECT_EQ(form(text), text);
    EXPECT_TRUE(canonical_form(text).input_index.empty());
    EXPECT_THROW(canonical_smiles(text), Error);
  }
}

const char* const drawn_ethanol =
    "\n\n\n  3  2  0  0  0  0            999 V2000\n"
    "    0.0000    0.0000    0.0000 O   0  0\n    1.0000    0.0000    0.0000 C   0  0\n"
    "    2.0000    0.0000    0.0000 C   0  0\n  1  2  1  0\n  2  3  1  0\nM  END\n";

TEST(Canonical, DrawingsBecomeSmilesAndStructuresStay) {
  const MoleculeText drawing{drawn_ethanol, TextFormat::mol_block};
  EXPECT_EQ(canonical_form(drawing).text, MoleculeText("CCO"));
  EXPECT_EQ(canonical_form(drawing).input_index, (Indices{2, 1, 0, -1, -1, -1, -1, -1, -1}));
  std::string lifted = drawn_ethanol;
  lifted.replace(lifted.find("    0.0000 O"), 10, "    0.5000");
  const MoleculeText structure{lifted, TextFormat::mol_block};
  EXPECT_EQ(canonical_form(structure).text, structure);
  EXPECT_EQ(canonical_smiles(structure), "CCO");
}

std::vector<std::string> esol(size_t every) {
  CsvReader reader(open_bytes(test::golden_path("esol.csv")));
  const auto& header = reader.header();
  const size_t column = std::find(header.begin(), header.end(), "smiles") - header.begin();
  std::vector<std::string> smiles;
  Record record;
  for (size_t row = 0; reader.next(record); ++row)
    if (row % every == 0) smiles.push_back(record.fields[column]);
  return smiles;
}

// Rooted at every atom in turn, without RDKit's canonical order: another text each time.
std::vector<std::string> rewritten(const std::string& smiles) {
  const std::unique_ptr<RDKit::RWMol> molecule(RDKit::SmilesToMol(smiles));
  std::vector<std::string> texts;
  for (unsigned atom = 0; atom < molecule->getNumAtoms(); atom += 3)
    texts.push_back(
        RDKit::MolToSmiles(*molecule, true, atom % 2 == 1, static_cast<int>(atom), atom % 2 == 0));
  return texts;
}

TEST(Canonical, EveryTextOfEsolsMoleculesBecomesTheSame) {
  size_t texts = 0;
  for (const std::string& smiles : esol(2)) {
    const std::string expected = form(smiles);
    EXPECT_EQ(form(expected), expected);
    for (const std::string& text : rewritten(smiles)) {
      EXPECT_EQ(form(text), expected) << text;
      ++texts;
    }
  }
  EXPECT_GT(texts, 1000u);
}

}  // namespace
}  // namespace molrt
