// Molecules that go to the disk and come back, and those that stay out.
#include "pretrain/corpus.h"

#include <gtest/gtest.h>

#include <cmath>

#include "model/initialise.h"
#include "support/expect_error.h"

namespace molrt {
namespace {

const Model& model() {
  static const Model made = initialise_model({PairKernel::gaussian, 1, 16, 16, 2, 31},
                                             Hydrogens::none, TokenLayout::file_order, 0);
  return made;
}

CorpusMolecule molecule(const std::string& smiles, std::vector<uint8_t> numbers, float shift = 0) {
  CorpusMolecule m{smiles, std::move(numbers), {{}}, {1.5f, NAN}};
  for (size_t i = 0; i < 3 * m.atomic_numbers.size(); ++i)
    m.conformers[0].push_back(static_cast<float>(i) + shift);
  return m;
}

TEST(Corpus, GivesBackWhatItTook) {
  Corpus corpus(2, "");
  CorpusMolecule ethanol = molecule("CCO", {6, 6, 8});
  ethanol.conformers.push_back({9, 8, 7, 6, 5, 4, 3, 2, 1});
  const auto added = corpus.add({ethanol, molecule("N", {7})}, model(), 2);
  EXPECT_EQ(added.used, 2u);
  ASSERT_EQ(corpus.size(), 2u);
  const CorpusMolecule back = corpus.read(0);
  EXPECT_EQ(back.atomic_numbers, ethanol.atomic_numbers);
  EXPECT_EQ(back.conformers, ethanol.conformers);
  EXPECT_EQ(back.labels[0], 1.5f);
  EXPECT_TRUE(std::isnan(back.labels[1]));
  EXPECT_EQ(corpus.read(1).atomic_numbers, std::vector<uint8_t>{7});
}

TEST(Corpus, StereoisomersAndOtherTextsAreExcluded) {
  Corpus corpus(2, "");
  corpus.exclude("C[C@H](N)O");
  const auto added =
      corpus.add({molecule("OC(C)N", {8, 6, 6, 7}), molecule("[13CH3][C@@H](N)O", {6, 6, 7, 8}),
                  molecule("CC(N)CO", {6, 6, 7, 6, 8})},
                 model(), 1);
  EXPECT_EQ(added.excluded, 2u);
  EXPECT_EQ(added.used, 1u);
}

TEST(Corpus, NothingExcludedWithoutSmilesCanBeMissed) {
  Corpus corpus(2, "");
  corpus.exclude("CCO");
  const std::vector<CorpusMolecule> nameless = {molecule("", {6})};
  EXPECT_ERROR(corpus.add(nameless, model(), 1), MOLRT_ERROR_INVALID_ARGUMENT, "without SMILES");
}

TEST(Corpus, MoleculesThatTheModelCannotReadAreCounted) {
  Corpus corpus(2, "");
  CorpusMolecule broken = molecule("CC", {6, 6});
  broken.conformers[0][2] = NAN;
  const auto added =
      corpus.add({molecule("[H][H]", {1, 1}), broken, molecule("not smiles", {6})}, model(), 1);
  EXPECT_EQ(added.unusable, 3u);
  EXPECT_NE(added.first_unusable, "");
  EXPECT_EQ(corpus.size(), 0u);
}

TEST(Corpus, TheSameMoleculeHasOneIdentity) {
  Corpus corpus(2, "");
  corpus.add(
      {molecule("CCO", {6, 6, 8}), molecule("OCC", {8, 6, 6}, 1), molecule("CCN", {6, 6, 7})},
      model(), 1);
  EXPECT_EQ(corpus.identity(0), corpus.identity(1));
  EXPECT_NE(corpus.identity(0), corpus.identity(2));
}

}  // namespace
}  // namespace molrt
