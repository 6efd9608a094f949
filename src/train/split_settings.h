#pragma once
// The settings that say which rows are held out.
#include <cstdint>
#include <string>
#include <vector>

#include "train/settings.h"

namespace molrt {

enum class SplitKind { random, scaffold, scaffold_moleculenet, group, stratified, given };

struct SplitSettings {
  SplitKind kind = SplitKind::random;
  size_t folds = 1;
  double valid_fraction = .1;  // with folds = 1
  double test_fraction = 0;
  uint64_t seed = 42;
  bool classes = false;  // stratified: by the labels themselves
};

std::vector<SettingRow> split_settings();

// No fold and no fraction is held out; a given split may still have some.
bool holds_nothing_out(const Settings& settings);

// INVALID_ARGUMENT if the fractions leave nothing to train on, or split=file has no file.
SplitSettings read_split_settings(const Settings& settings);

}  // namespace molrt
