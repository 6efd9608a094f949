#include "chem/descriptors.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <numeric>
#include <set>

#include "base/error.h"
#include "base/parallel.h"
#include "support/golden.h"

namespace molrt {
namespace {

double value(const char* smiles, const std::string& name) {
  return describe_molecule(smiles, {{name}})[0];
}

// Counted or looked up by hand.
TEST(Descriptors, AreRdkits) {
  const char* paracetamol = "CC(=O)Nc1ccc(O)cc1";
  EXPECT_NEAR(value(paracetamol, "amw"), 151.165, 1e-3);
  EXPECT_NEAR(value(paracetamol, "exactmw"), 151.0633, 1e-4);
  EXPECT_NEAR(value(paracetamol, "tpsa"), 49.33, 1e-2);
  EXPECT_EQ(value(paracetamol, "NumHeavyAtoms"), 11);
  EXPECT_EQ(value(paracetamol, "NumAtoms"), 20);
  EXPECT_EQ(value(paracetamol, "lipinskiHBD"), 2);
  EXPECT_EQ(value(paracetamol, "NumAromaticRings"), 1);
  EXPECT_EQ(value(paracetamol, "NumAmideBonds"), 1);
  EXPECT_EQ(value("C[C@H](N)O", "NumAtomStereoCenters"), 1);
  EXPECT_EQ(value("CC(N)O", "NumUnspecifiedAtomStereoCenters"), 1);
  EXPECT_NEAR(value("CCO", "CrippenClogP"), -.0014, 1e-4);
}

// tests/golden/make_descriptors.py
TEST(Descriptors, AreThoseOfRdkitsPython) {
  const auto golden = nlohmann::json::parse(std::ifstream(test::golden_path("descriptors.json")));
  const auto names = golden["names"].get<std::vector<std::string>>();
  EXPECT_EQ(names.size(), 146u);
  for (const auto& [smiles, numbers] : golden["not 0"].items()) {
    const auto found = describe_molecule(smiles.c_str(), {names});
    for (size_t i = 0; i < names.size(); ++i)
      EXPECT_NEAR(found[i], numbers.value(names[i], 0.), 1e-8) << smiles << " " << names[i];
  }
}

TEST(Descriptors, AreAllKnownOnce) {
  const auto& known = known_descriptors();
  EXPECT_EQ(known.size(), 189u);
  EXPECT_EQ(std::set<std::string>(known.begin(), known.end()).size(), known.size());
}

TEST(Descriptors, AreFiniteForOrdinaryMolecules) {
  for (const char* smiles : {"C", "[Na+].[Cl-]", "O", "[H][H]", "C1CCC2(CC1)CCCC2", "CC(C)(C)C"})
    for (const double v : describe_molecule(smiles, {known_descriptors()}))
      EXPECT_TRUE(std::isfinite(v)) << smiles;
}

TEST(Descriptors, DoNotDependOnTheText) {
  const DescriptorList all{known_descriptors(), 2, 1024};
  const auto one = describe_molecule("CC(=O)Nc1ccc(O)cc1", all);
  for (const char* same :
       {"c1(O)ccc(NC(C)=O)cc1", "C1=CC(O)=CC=C1NC(=O)C", "[CH3:7]C(=O)N([H])c1ccc(O)cc1"})
    EXPECT_EQ(describe_molecule(same, all), one) << same;
  EXPECT_NE(describe_molecule("CC(=O)Nc1cccc(O)c1", all), one);
}

// Ethanol: three atoms' own environments, three of radius 1; those of radius 2 repeat them.
TEST(Descriptors, MorganCountsEnvironments) {
  const auto counts = describe_molecule("CCO", {{}, 2, 2048});
  EXPECT_EQ(counts.size(), 2048u);
  EXPECT_EQ(std::accumulate(counts.begin(), counts.end(), 0.), 6);
  const auto chain = describe_molecule("CCCCCCCC", {{}, 0, 2048});
  EXPECT_EQ(*std::max_element(chain.begin(), chain.end()), 6);  // CH2; CH3 has 2
  EXPECT_EQ(std::accumulate(chain.begin(), chain.end(), 0.), 8);
}

TEST(Descriptors, FoldedCountsAreSums) {
  const auto wide = describe_molecule("CC(=O)Nc1ccc(O)cc1", {{}, 2, 2048});
  const auto narrow = describe_molecule("CC(=O)Nc1ccc(O)cc1", {{}, 2, 64});
  for (size_t i = 0; i < 64; ++i) {
    double sum = 0;
    for (size_t k = i; k < 2048; k += 64) sum += wide[k];
    EXPECT_EQ(narrow[i], sum);
  }
}

TEST(Descriptors, RefuseWhatTheyCannotRead) {
  EXPECT_THROW(describe_molecule("not a molecule", {known_descriptors()}), Error);
  EXPECT_ANY_THROW(value("CCO", "no such descriptor"));
}

TEST(Descriptors, AreTheSameOnManyThreads) {
  const DescriptorList all{known_descriptors(), 2, 256};
  const auto one = describe_molecule("OCC(O)c1ccncc1", all);
  std::vector<int> same(64);
  parallel_for(4, same.size(),
               [&](size_t i, int) { same[i] = describe_molecule("OCC(O)c1ccncc1", all) == one; });
  EXPECT_EQ(std::accumulate(same.begin(), same.end(), 0), 64);
}

}  // namespace
}  // namespace molrt
