#include "cache/conformer_record.h"

#include <GraphMol/Depictor/RDDepictor.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <set>

namespace molrt {
namespace {

ConformerResult made(const MoleculeText& text) { return make_conformer(text, {}); }

void expect_equal(const ConformerResult& a, const ConformerResult& b) {
  EXPECT_EQ(a.status, b.status);
  EXPECT_EQ(a.source, b.source);
  EXPECT_EQ(a.flags, b.flags);
  EXPECT_EQ(a.message, b.message);
  EXPECT_EQ(a.conformer.atomic_numbers, b.conformer.atomic_numbers);
  EXPECT_EQ(a.conformer.coordinates, b.conformer.coordinates);
  EXPECT_EQ(a.conformer.input_index, b.conformer.input_index);
}

TEST(ConformerKey, DependsOnAllThatChangesAConformer) {
  std::set<std::string> keys;
  const auto add = [&](const MoleculeText& text,
                       std::function<void(ConformerOptions&)> change = {}) {
    ConformerOptions options;
    if (change) change(options);
    return keys.insert(conformer_key(text, options)).second;
  };
  EXPECT_TRUE(add("CCO"));
  EXPECT_TRUE(add("OCC"));
  EXPECT_TRUE(add("CCO "));
  EXPECT_TRUE(add({"CCO", TextFormat::mol_block}));
  EXPECT_TRUE(add("CCO", [](auto& o) { o.seed = 43; }));
  EXPECT_TRUE(add("CCO", [](auto& o) { o.peer_ladder = true; }));
  EXPECT_TRUE(add("CCO", [](auto& o) { o.flat = true; }));
  EXPECT_FALSE(add("CCO", [](auto& o) { o.flat = true, o.seed = 50; })) << "a drawing has no seed";
  EXPECT_FALSE(add("CCO", [](auto& o) { o.time_limit = 1; }));
  EXPECT_FALSE(add("CCO", [](auto& o) { o.max_atoms = 100; }));
  EXPECT_NE(keys.begin()->find(rdkit_version()), std::string::npos);
  RDDepict::preferCoordGen = true;  // as a host may have it
  EXPECT_TRUE(add("CCO"));
  RDDepict::preferCoordGen = false;
}

TEST(ConformerValue, IsReadAsItWas) {
  for (const char* smiles :
       {"CCO", "[H]OC([H])C", "[2H]OC", "C", "*CC", "[Na+].[Cl-]", "C[H]->C", "[H][H]"}) {
    const ConformerResult result = made(smiles);
    ASSERT_EQ(result.status, MOLRT_ROW_OK) << smiles;
    const auto read = read_conformer(conformer_value(result));
    ASSERT_TRUE(read) << smiles;
    expect_equal(*read, result);
  }
}

TEST(ConformerValue, IsSmall) {
  const ConformerResult result = made("CC(=O)Oc1ccccc1C(=O)O");
  EXPECT_LE(conformer_value(result).size(), 20 + 13 * result.conformer.atoms());
}

TEST(ConformerValue, OnlyWhatRDKitMadeIsWorthKeeping) {
  const char* const structure =
      "\n\n\n  1  0  0  0  0  0            999 V2000\n"
      "    0.0000    0.0000    1.0000 C   0  0\nM  END\n";
  EXPECT_TRUE(is_worth_keeping(made("CCO")));
  EXPECT_FALSE(is_worth_keeping(made({structure, TextFormat::mol_block})));
  EXPECT_FALSE(is_worth_keeping(made("")));
  EXPECT_FALSE(is_worth_keeping(made("C1CC")));
  ConformerOptions hasty;
  hasty.time_limit = 1e-9;
  EXPECT_FALSE(is_worth_keeping(make_conformer(MoleculeText("CCO"), hasty)));
  EXPECT_FALSE(is_worth_keeping({}));
}

TEST(ConformerValue, NothingElseIsRead) {
  const std::string value = conformer_value(made("CCO"));
  for (size_t size = 0; size < value.size(); ++size)
    EXPECT_FALSE(read_conformer(value.substr(0, size))) << size;
  EXPECT_FALSE(read_conformer(value + "x"));
  for (size_t i = 0; i < 20; ++i)  // the header's fields
    for (const char byte : {'\x7f', '\xff'}) {
      std::string changed = value;
      changed[i] = byte;
      if (const auto read = read_conformer(changed)) {
        EXPECT_EQ(read->conformer.input_index.size(), read->conformer.atoms());
      }
    }
  ConformerResult broken = made("CCO");
  broken.conformer.coordinates[4] = std::nanf("");
  EXPECT_FALSE(read_conformer(conformer_value(broken)));
}

// What a limit refuses while the hydrogens are missing has too many atoms with them, too.
TEST(ConformerValue, FitsALimitAsIfItWereMade) {
  for (const char* smiles :
       {"CCO", "[H]OC([H])C", "[H][H]", "[2H]C([2H])[2H]", "C[H]->C", "c1ccccc1", "[H+]",
        "[H]N([H])([H])[H]", "[NH4+].[H-]", "*[H]", "O=S(=O)(O)O"}) {
    const ConformerResult whole = made(smiles);
    for (int limit = 1; limit < 15; ++limit)
      for (bool heavy : {false, true}) {
        ConformerOptions options;
        options.max_atoms = limit;
        options.heavy_atoms_only = heavy;
        const bool made_under_it =
            make_conformer(MoleculeText(smiles), options).status == MOLRT_ROW_OK;
        EXPECT_EQ(whole.status == MOLRT_ROW_OK && fits(whole, options), made_under_it)
            << smiles << " " << limit << " " << heavy;
      }
  }
}

}  // namespace
}  // namespace molrt
