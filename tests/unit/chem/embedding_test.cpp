#include "chem/embedding.h"

#include <GraphMol/Conformer.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <string>

#include "chem/molecule.h"
#include "chem/rdkit_session.h"

namespace molrt {
namespace {

TEST(Deadline, ZeroAndVeryLongMeanNever) {
  EXPECT_FALSE(Deadline().passed());
  EXPECT_FALSE(Deadline(0).passed());
  EXPECT_FALSE(Deadline(1e300).passed());
  EXPECT_TRUE(Deadline(1e-12).passed());
}

// Atoms along a helix: far from any minimum, and quicker to have than an embedding.
void place_on_helix(RDKit::RWMol& molecule) {
  auto* positions = new RDKit::Conformer(molecule.getNumAtoms());
  molecule.addConformer(positions);  // takes it over
  for (unsigned i = 0; i < molecule.getNumAtoms(); ++i)
    positions->setAtomPos(i,
                          RDGeom::Point3D(5 * std::cos(i * 0.3), 5 * std::sin(i * 0.3), 0.1 * i));
}

TEST(Embedding, TheDeadlineEndsMmff) {
  const RdkitSession session;
  const Molecule molecule = parse_molecule(std::string(150, 'C'), {});
  place_on_helix(*molecule.graph);
  const auto start = std::chrono::steady_clock::now();
  EXPECT_THROW(optimize_mmff(*molecule.graph, Deadline(0.05)), DeadlinePassed);
  // Without a deadline it takes some nine seconds.
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(2));
}

TEST(Embedding, MmffWithoutParametersChangesNothing) {
  const RdkitSession session;
  const Molecule molecule = parse_molecule("C[Pt]C", {});
  ASSERT_TRUE(embed_etkdg(*molecule.graph, {}, Deadline()));
  const RDGeom::Point3D before = molecule.graph->getConformer().getAtomPos(0);
  EXPECT_FALSE(optimize_mmff(*molecule.graph, Deadline()));
  EXPECT_EQ(molecule.graph->getConformer().getAtomPos(0).x, before.x);
}

// RDKit crashes over it.
TEST(Embedding, MmffIsLeftOutForABridgingHydrogen) {
  const RdkitSession session;
  const Molecule molecule = parse_molecule("C[H]->C", {});
  ASSERT_TRUE(embed_etkdg(*molecule.graph, {}, Deadline()));
  EXPECT_FALSE(optimize_mmff(*molecule.graph, Deadline()));
}

TEST(Embedding, TheDeadlineHoldsBetweenAttempts) {
  const RdkitSession session;
  const Molecule molecule = parse_molecule("CCO", {});
  EXPECT_THROW(embed_etkdg(*molecule.graph, {}, Deadline(1e-12)), DeadlinePassed);
  EXPECT_EQ(molecule.graph->getNumConformers(), 0u);
  EXPECT_TRUE(embed_etkdg(*molecule.graph, {}, Deadline()));
}

}  // namespace
}  // namespace molrt
