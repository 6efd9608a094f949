#include "train/split.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <numeric>
#include <set>

#include "support/expect_error.h"
#include "support/npz.h"
#include "train/head_training.h"
#include "train/shuffle.h"

namespace molrt {
namespace {

std::vector<size_t> rows_to(size_t n) {
  std::vector<size_t> rows(n);
  std::iota(rows.begin(), rows.end(), size_t{0});
  return rows;
}

// A table of one target, whose columns are what a test sets.
struct Table {
  std::vector<double> values;
  std::vector<std::string> molecules, groups;
  std::vector<int32_t> parts;

  explicit Table(size_t rows) : values(rows) { std::iota(values.begin(), values.end(), 0.); }

  SplitPlan plan(const SplitSettings& settings) const {
    return plan(settings, rows_to(values.size()));
  }
  SplitPlan plan(const SplitSettings& settings, const std::vector<size_t>& rows) const {
    HeadTrainingData data;
    data.rows = values.size();
    data.targets = 1;
    data.values = values;
    data.target_names = {"y"};
    data.molecules = molecules;
    data.groups = groups;
    data.parts = parts;
    return plan_split(data, settings, rows);
  }
};

SplitSettings folds(size_t k, SplitKind kind = SplitKind::random, uint64_t seed = 1) {
  return {.kind = kind, .folds = k, .valid_fraction = 0, .test_fraction = 0, .seed = seed};
}

SplitSettings fraction(double valid, SplitKind kind = SplitKind::random, double test = 0,
                       uint64_t seed = 1) {
  return {.kind = kind, .folds = 1, .valid_fraction = valid, .test_fraction = test, .seed = seed};
}

std::vector<size_t> together(const Split& split) {
  std::vector<size_t> all = split.train;
  all.insert(all.end(), split.held_out.begin(), split.held_out.end());
  all.insert(all.end(), split.test.begin(), split.test.end());
  std::sort(all.begin(), all.end());
  return all;
}

nlohmann::json golden() {
  std::ifstream file(test::golden_path("splits.json"));
  return nlohmann::json::parse(file);
}

// No name is on two sides of any fold.
void expect_whole(const SplitPlan& plan, const std::vector<std::string>& names) {
  for (const Split& fold : plan.folds) {
    std::map<std::string, std::set<int>> sides;
    for (const size_t row : fold.train) sides[names[row]].insert(0);
    for (const size_t row : fold.held_out) sides[names[row]].insert(1);
    for (const size_t row : fold.test) sides[names[row]].insert(2);
    for (const auto& [name, found] : sides) EXPECT_EQ(found.size(), 1u) << name;
  }
}

TEST(Split, FoldsHoldOutEveryRowOnceInPartsAsScikitLearns) {
  const SplitPlan plan = Table(23).plan(folds(5));
  ASSERT_EQ(plan.folds.size(), 5u);
  std::multiset<size_t> held_out;
  for (size_t i = 0; i < 5; ++i) {
    EXPECT_EQ(plan.folds[i].held_out.size(), i < 3 ? 5u : 4u);
    EXPECT_EQ(together(plan.folds[i]), rows_to(23));
    held_out.insert(plan.folds[i].held_out.begin(), plan.folds[i].held_out.end());
  }
  EXPECT_EQ(held_out.size(), 23u);
  EXPECT_EQ(std::set<size_t>(held_out.begin(), held_out.end()).size(), 23u);
}

TEST(Split, OneFoldHoldsOutAFraction) {
  const Table table(50);
  EXPECT_EQ(table.plan(fraction(.1)).folds[0].held_out.size(), 5u);
  EXPECT_EQ(together(table.plan(fraction(.1)).folds[0]), rows_to(50));
  EXPECT_TRUE(table.plan(fraction(0)).folds[0].held_out.empty());
  EXPECT_EQ(Table(3).plan(fraction(.01)).folds[0].held_out.size(), 1u);
  EXPECT_EQ(Table(2).plan(fraction(.9)).folds[0].train.size(), 1u);
}

TEST(Split, IsSeeded) {
  const Table table(50);
  const auto train = [&](uint64_t seed) {
    return table.plan(folds(2, SplitKind::random, seed)).folds[0].train;
  };
  EXPECT_EQ(train(1), train(1));
  EXPECT_NE(train(1), train(2));
}

// Every row is as likely to be held out: 2000 seeds, 6 sigma an element.
TEST(Split, IsUniform) {
  std::vector<int> hits(10);
  const Table table(10);
  for (uint64_t seed = 0; seed < 2000; ++seed) {
    const SplitPlan plan = table.plan(fraction(.3, SplitKind::random, 0, seed));
    for (const size_t row : plan.folds[0].held_out) ++hits[row];
  }
  for (const int count : hits) EXPECT_NEAR(count, 600, 6 * 20.5);
}

TEST(Split, TooFewRowsAreRefused) {
  EXPECT_ERROR(Table(4).plan(folds(5)), MOLRT_ERROR_DATA,
               "5 folds need at least 5 different molecules with a value, found 4");
  EXPECT_ERROR(Table(1).plan(fraction(.1)), MOLRT_ERROR_DATA, "holding rows out needs at least 2");
  EXPECT_NO_THROW(Table(1).plan(fraction(0)));
  EXPECT_ERROR(Table(3).plan({SplitKind::random, 3, 0, .1, 1}), MOLRT_ERROR_DATA,
               "3 folds and a test need at least 4");
}

TEST(Split, TheTestIsApartFromAllFolds) {
  SplitSettings settings = folds(4);
  settings.test_fraction = .2;
  const SplitPlan plan = Table(50).plan(settings);
  for (const Split& fold : plan.folds) {
    EXPECT_EQ(fold.test.size(), 10u);
    EXPECT_EQ(fold.test, plan.folds[0].test);
    EXPECT_EQ(together(fold), rows_to(50));
  }
  const Split one = Table(50).plan(fraction(.1, SplitKind::random, .2)).folds[0];
  EXPECT_EQ(one.test.size(), 10u);
  EXPECT_EQ(one.held_out.size(), 5u);
}

TEST(Split, OnlyUsedRowsHaveAPart) {
  const SplitPlan plan = Table(10).plan(folds(2), {1, 3, 5, 7});
  for (size_t row = 0; row < 10; ++row) {
    const bool used = row % 2 == 1 && row < 8;
    EXPECT_EQ(plan.parts[row] >= 0, used) << row;
    if (!used) {
      EXPECT_EQ(plan.parts[row], MOLRT_PART_NONE);
    }
  }
}

TEST(Split, AMoleculesRowsStayTogether) {
  Table table(60);
  for (size_t i = 0; i < 60; ++i) table.molecules.push_back(fmt::format("m{}", i % 25));
  for (size_t i = 0; i < 60; ++i) table.groups.push_back(fmt::format("g{}", i % 7));
  for (const SplitKind kind : {SplitKind::random, SplitKind::stratified}) {
    for (SplitSettings settings : {folds(5, kind), fraction(.2, kind), fraction(.2, kind, .2)}) {
      const SplitPlan plan = table.plan(settings);
      expect_whole(plan, table.molecules);
      EXPECT_EQ(plan.units, 25u);
      EXPECT_EQ(plan.repeated.molecules, 25u);
      EXPECT_EQ(plan.repeated.rows, 60u);
    }
  }
}

TEST(Split, GroupsWithAMoleculeInCommonBecomeOne) {
  Table table(8);
  table.groups = {"a", "a", "b", "b", "c", "c", "d", "d"};
  table.molecules = {"1", "2", "3", "1", "5", "6", "7", "8"};  // a and b share 1
  const SplitPlan plan = table.plan(folds(3, SplitKind::group));
  EXPECT_EQ(plan.units, 3u);
  expect_whole(plan, table.molecules);
  expect_whole(plan, table.groups);
  EXPECT_EQ(plan.parts[0], plan.parts[3]);
}

TEST(Split, GroupFoldsAreScikitLearns) {
  const nlohmann::json cases = golden()["group_k_fold"];
  for (const auto& c : cases) {
    Table table(c["groups"].size());
    table.groups = c["groups"].get<std::vector<std::string>>();
    const auto plan = table.plan(folds(c["k"], SplitKind::scaffold));
    const bool same = plan.parts == c["folds"].get<std::vector<int32_t>>();
    EXPECT_TRUE(same) << table.groups.size() << " rows";
  }
}

TEST(Split, AGroupIsHeldOutWhole) {
  Table table(100);
  for (size_t i = 0; i < 100; ++i) table.groups.push_back(fmt::format("g{}", i < 60 ? 0 : i));
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const SplitPlan plan = table.plan(fraction(.2, SplitKind::group, .1, seed));
    expect_whole(plan, table.groups);
    EXPECT_EQ(plan.folds[0].held_out.size(), 20u);
    EXPECT_EQ(plan.folds[0].test.size(), 10u);
  }
  table.groups.assign(100, "large");
  EXPECT_ERROR(table.plan(fraction(.2, SplitKind::group)), MOLRT_ERROR_DATA,
               "at least 2 different groups with a value, found 1");
  for (size_t i = 0; i < 40; ++i) table.groups[i] = "small";
  EXPECT_EQ(table.plan(fraction(.1, SplitKind::group)).folds[0].held_out.size(), 40u);
  EXPECT_ERROR(table.plan(folds(3, SplitKind::scaffold)), MOLRT_ERROR_DATA,
               "3 folds need at least 3 different scaffolds with a value, found 2");
}

TEST(Split, StratifiedFoldsHaveScikitLearnsCounts) {
  const nlohmann::json cases = golden()["stratified"];
  for (const auto& c : cases) {
    Table table(c["labels"].size());
    table.values = c["labels"].get<std::vector<double>>();
    SplitSettings settings = folds(c["k"], SplitKind::stratified);
    settings.classes = true;
    const SplitPlan plan = table.plan(settings);
    std::vector<double> classes;
    for (const double label : table.values)
      if (std::find(classes.begin(), classes.end(), label) == classes.end())
        classes.push_back(label);
    for (size_t fold = 0; fold < plan.folds.size(); ++fold)
      for (size_t k = 0; k < classes.size(); ++k) {
        const auto& held_out = plan.folds[fold].held_out;
        EXPECT_EQ(std::count_if(held_out.begin(), held_out.end(),
                                [&](size_t row) { return table.values[row] == classes[k]; }),
                  c["counts"][fold][k]);
      }
  }
}

TEST(Split, AStratifiedFractionHasEveryClassesShare) {
  Table table(200);
  for (size_t i = 0; i < 200; ++i) table.values[i] = i % 10 == 0;
  SplitSettings settings = fraction(.2, SplitKind::stratified, .1);
  settings.classes = true;
  for (settings.seed = 0; settings.seed < 10; ++settings.seed) {
    const Split split = table.plan(settings).folds[0];
    const auto ones = [&](const std::vector<size_t>& rows) {
      return std::count_if(rows.begin(), rows.end(),
                           [&](size_t r) { return table.values[r] == 1; });
    };
    EXPECT_EQ(split.held_out.size(), 40u);
    EXPECT_EQ(split.test.size(), 20u);
    EXPECT_EQ(ones(split.held_out), 4);
    EXPECT_EQ(ones(split.test), 2);
  }
}

TEST(Split, StratifiedValuesComeInTenths) {
  Table table(100);
  const SplitPlan plan = table.plan(folds(5, SplitKind::stratified));
  for (const Split& fold : plan.folds)
    for (size_t tenth = 0; tenth < 10; ++tenth)
      EXPECT_EQ(std::count_if(fold.held_out.begin(), fold.held_out.end(),
                              [&](size_t row) { return row / 10 == tenth; }),
                2);
  table.values[4] = NAN;  // no value: a class of its own
  EXPECT_NO_THROW(table.plan(folds(5, SplitKind::stratified)));
}

TEST(Split, AClassWithTooFewMoleculesIsNamed) {
  Table table(20);
  for (size_t i = 0; i < 20; ++i) table.values[i] = i % 5 == 0;
  SplitSettings settings = folds(5, SplitKind::stratified);
  settings.classes = true;
  EXPECT_ERROR(table.plan(settings), MOLRT_ERROR_DATA,
               "class 1 of target 'y' has 4 molecules, and each class needs at least 5");
}

TEST(Split, MoleculeNetsIsDeepChems) {
  const nlohmann::json cases = golden()["moleculenet"];
  for (const auto& c : cases) {
    Table table(c["groups"].size());
    table.groups = c["groups"].get<std::vector<std::string>>();
    const double train = c["train"], valid = c["valid"];
    const auto plan = table.plan(
        fraction(valid, SplitKind::scaffold_moleculenet, std::max(0., 1 - train - valid)));
    constexpr int32_t parts[] = {MOLRT_PART_TRAIN, 0, MOLRT_PART_TEST};
    std::vector<int32_t> expected;
    for (const size_t part : c["parts"].get<std::vector<size_t>>()) expected.push_back(parts[part]);
    const bool same = plan.parts == expected;
    EXPECT_TRUE(same) << train;
  }
}

// DeepChem's k_fold_split: each time the largest scaffolds that fit into 1 / (folds left).
TEST(Split, MoleculeNetsFolds) {
  Table table(12);
  table.groups = {"a", "a", "a", "a", "b", "b", "b", "c", "c", "d", "e", "f"};
  const auto parts = table.plan(folds(3, SplitKind::scaffold_moleculenet)).parts;
  // 12 / 3 = 4: a. Of the other 8, 4: b and then, of the single ones, which come in the opposite
  // order, d that had come last. The rest: c, f, e.
  EXPECT_EQ(parts, (std::vector<int32_t>{0, 0, 0, 0, 1, 1, 1, 2, 2, 1, 2, 2}));
}

TEST(Split, GivenPartsAreTaken) {
  Table table(6);
  table.parts = {MOLRT_PART_TRAIN, 0, 1, MOLRT_PART_TEST, 0, 1};
  const SplitPlan plan = table.plan(folds(2, SplitKind::given));
  EXPECT_EQ(plan.parts, table.parts);
  EXPECT_EQ(plan.folds[0].train, (std::vector<size_t>{0, 2, 5}));
  EXPECT_EQ(plan.folds[0].held_out, (std::vector<size_t>{1, 4}));
  EXPECT_EQ(plan.folds[1].test, (std::vector<size_t>{3}));
  EXPECT_TRUE(plan.warnings.empty());
  EXPECT_ERROR(table.plan(folds(2, SplitKind::given), {0, 1, 3, 4}), MOLRT_ERROR_DATA,
               "fold 1 no row to hold out");
}

TEST(Split, AMoleculeOnTwoGivenSidesIsLeftOut) {
  Table table(6);
  table.parts = {MOLRT_PART_TRAIN, MOLRT_PART_TRAIN, 0, 0, MOLRT_PART_TEST, MOLRT_PART_TRAIN};
  table.molecules = {"a", "b", "a", "c", "c", "d"};
  const SplitPlan plan = table.plan(folds(1, SplitKind::given));
  EXPECT_EQ(plan.folds[0].train, (std::vector<size_t>{1, 5}));
  EXPECT_EQ(plan.folds[0].held_out, (std::vector<size_t>{2}));
  EXPECT_EQ(plan.folds[0].test, (std::vector<size_t>{4}));
  EXPECT_EQ(plan.all.train, (std::vector<size_t>{0, 1, 2, 5}));  // 3 is in the test, too
  EXPECT_EQ(plan.all.test, (std::vector<size_t>{4}));
  EXPECT_EQ(plan.left_out, 2u);
  ASSERT_EQ(plan.warnings.size(), 1u);
  EXPECT_NE(plan.warnings[0].find("2 rows are left out"), std::string::npos);
  EXPECT_NE(plan.warnings[0].find("rows 1, 4"), std::string::npos) << plan.warnings[0];
}

TEST(EpochOrder, IsAPermutationThatChangesWithEpochAndFold) {
  const auto rows = rows_to(40);
  auto first = epoch_order(rows, 1, 0, 0);
  EXPECT_NE(first, epoch_order(rows, 1, 1, 0));
  EXPECT_NE(first, epoch_order(rows, 1, 0, 1));
  EXPECT_EQ(first, epoch_order(rows, 1, 0, 0));
  std::sort(first.begin(), first.end());
  EXPECT_EQ(first, rows);
}

}  // namespace
}  // namespace molrt
