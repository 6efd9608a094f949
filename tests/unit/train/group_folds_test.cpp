#include "train/group_folds.h"

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <numeric>

#include "support/npz.h"

namespace molrt {
namespace {

std::vector<size_t> folds_of_rows(const std::vector<std::string>& groups, size_t folds) {
  std::map<std::string, size_t> sizes;
  for (const auto& group : groups) ++sizes[group];
  std::vector<size_t> list;
  std::map<std::string, size_t> place;
  for (const auto& [name, size] : sizes) {
    place[name] = list.size();
    list.push_back(size);
  }
  const auto fold_of = group_k_folds(list, folds);
  std::vector<size_t> rows;
  for (const auto& group : groups) rows.push_back(fold_of[place[group]]);
  return rows;
}

TEST(GroupFolds, AreScikitLearns) {
  std::ifstream file(test::golden_path("splits.json"));
  const auto golden = nlohmann::json::parse(file);
  ASSERT_GE(golden["group_k_fold"].size(), 7u);
  for (const auto& c : golden["group_k_fold"]) {
    const auto groups = c["groups"].get<std::vector<std::string>>();
    const bool same =
        folds_of_rows(groups, c["k"].get<size_t>()) == c["folds"].get<std::vector<size_t>>();
    EXPECT_TRUE(same) << groups.size() << " rows";
  }
}

TEST(GroupFolds, OrderAnySizes) {  // many patterns, some of which numpy's pivots are bad at
  for (size_t n : {1u, 2u, 17u, 18u, 100u, 3000u}) {
    std::vector<size_t> up(n), pipes(n), equal(n, 4);
    std::iota(up.begin(), up.end(), 1u);
    for (size_t i = 0; i < n; ++i) pipes[i] = 1 + std::min(i, n - 1 - i) * (i % 2 + 1);
    for (auto sizes : {up, pipes, equal, std::vector<size_t>(up.rbegin(), up.rend())}) {
      std::vector<size_t> rows(1, 0);
      for (const size_t fold : group_k_folds(sizes, 1)) EXPECT_EQ(fold, 0u);
      const auto two = group_k_folds(sizes, 2);
      size_t first = 0, second = 0, largest = 0;
      for (size_t i = 0; i < n; ++i) {
        (two[i] == 0 ? first : second) += sizes[i];
        largest = std::max(largest, sizes[i]);
      }
      EXPECT_LE(std::max(first, second) - std::min(first, second), largest);
    }
  }
}

}  // namespace
}  // namespace molrt
