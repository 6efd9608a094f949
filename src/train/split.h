#pragma once
// Which rows are trained on, held out and kept for the test.
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "train/split_settings.h"
#include "train/units.h"

namespace molrt {

struct HeadTrainingData;

struct Split {
  std::vector<size_t> train, held_out, test;  // all ascending; no molecule is in two of them
};

struct SplitPlan {
  std::vector<Split> folds;    // all with the same test rows
  Split all;                   // holds nothing out but the test
  std::vector<int32_t> parts;  // [rows of the table]: MOLRT_PART_* or the fold that holds it out
  Repeated repeated;           // molecules of several of the rows
  size_t units = 0;            // molecules, scaffolds or groups that were dealt
  size_t left_out = 0;         // rows of a given split whose molecule is on another side
  std::vector<std::string> warnings;
};

// folds >= 2: k-fold cross-validation. folds = 1: one split that holds out valid_fraction of the
// rows (rounded, but one unit at least and never all; 0: none). test_fraction comes off first.
// `rows`: those that can be trained on. By kind:
//   random      molecules in a random order, cut into folds whose sizes differ by one molecule at
//               most (without repeated molecules as scikit-learn's KFold(shuffle=True))
//   scaffold, group   folds by group_k_folds(); a fraction is taken group by group in a random
//               order, each that still fits, or else the smallest one
//   scaffold_moleculenet   scaffolds by falling size (of equal ones, the one with the later first
//               row comes first) into training while they fit, then into the held-out part, then
//               into the test (DeepChem's ScaffoldSplitter with frac_train = 1 - valid_fraction -
//               test_fraction); folds as its k_fold_split
//   stratified  molecules ordered by class, by chance within a class, and dealt in turn: each fold
//               has as many of each class as in scikit-learn's StratifiedKFold. The class is the
//               row of labels; of regression, which tenth of the first target's values it is in.
//               A molecule of several rows is of its first row's class
//   given       data.parts. A row whose molecule is also in the test, or held out where the row
//               would be trained on, is left out there, with a warning
// DATA error if there are too few units to give every part one, or no row is in a given fold.
SplitPlan plan_split(const HeadTrainingData& data, const SplitSettings& settings,
                     const std::vector<size_t>& rows);

}  // namespace molrt
