#include "train/split.h"

#include <algorithm>

#include "base/error.h"
#include "train/classes.h"
#include "train/given_parts.h"
#include "train/head_training.h"
#include "train/split_methods.h"

namespace molrt {
namespace {

const char* unit_name(SplitKind kind) {
  switch (kind) {
    case SplitKind::scaffold:
    case SplitKind::scaffold_moleculenet:
      return "scaffolds";
    case SplitKind::group:
      return "groups";
    default:
      return "molecules";
  }
}

void check_units(const Units& units, const SplitSettings& s) {
  const size_t needed = (s.folds > 1            ? s.folds
                         : s.valid_fraction > 0 ? 2
                                                : 1) +
                        (s.test_fraction > 0 ? 1 : 0);
  if (units.size() >= needed) return;
  const std::string purpose = s.folds > 1 ? fmt::format("{} folds", s.folds) : "holding rows out";
  fail(MOLRT_ERROR_DATA, "{}{} need{} at least {} different {} with a value, found {}", purpose,
       s.test_fraction > 0 ? " and a test" : "", s.folds > 1 || s.test_fraction > 0 ? "" : "s",
       needed, unit_name(s.kind), units.size());
}

std::vector<size_t> without(const std::vector<size_t>& units, std::vector<size_t> taken) {
  std::sort(taken.begin(), taken.end());
  std::vector<size_t> rest;
  for (const size_t unit : units)
    if (!std::binary_search(taken.begin(), taken.end(), unit)) rest.push_back(unit);
  return rest;
}

// [units]
std::vector<int32_t> parts_of_units(const SplitMethod& method, const SplitSettings& s) {
  std::vector<size_t> units = method.order();
  std::vector<int32_t> parts(units.size(), MOLRT_PART_TRAIN);
  if (s.test_fraction > 0) {
    const std::vector<size_t> test = method.take(units, s.test_fraction);
    for (const size_t unit : test) parts[unit] = MOLRT_PART_TEST;
    units = without(units, test);
  }
  if (s.folds > 1) {
    const std::vector<size_t> fold_of = method.deal(units, s.folds);
    for (size_t i = 0; i < units.size(); ++i) parts[units[i]] = static_cast<int32_t>(fold_of[i]);
  } else if (s.valid_fraction > 0) {
    for (const size_t unit : method.take(units, s.valid_fraction)) parts[unit] = 0;
  }
  return parts;
}

class Planner {
 public:
  Planner(const HeadTrainingData& data, const SplitSettings& settings,
          const std::vector<size_t>& rows)
      : data_(data), settings_(settings), rows_(rows), molecules_(units_of(rows, data.molecules)) {
    plan_.repeated = count_repeated(molecules_);
    plan_.units = molecules_.size();
    plan_.parts.assign(data.rows, MOLRT_PART_NONE);
  }

  SplitPlan plan() {
    if (settings_.kind == SplitKind::given)
      for (const size_t row : rows_) plan_.parts[row] = data_.parts[row];
    else
      assign_parts();
    for (size_t fold = 0; fold < settings_.folds; ++fold) plan_.folds.push_back(split(fold));
    plan_.all = split(settings_.folds);
    if (settings_.kind == SplitKind::given) separate();
    check_sides();
    return std::move(plan_);
  }

 private:
  bool by_groups() const {
    return settings_.kind == SplitKind::scaffold || settings_.kind == SplitKind::group ||
           settings_.kind == SplitKind::scaffold_moleculenet;
  }

  void assign_parts() {
    const Units units =
        by_groups() ? joined_units(rows_, data_.molecules, data_.groups) : molecules_;
    check_units(units, settings_);
    plan_.units = units.size();
    const std::vector<int32_t> parts = parts_of(units);
    for (size_t unit = 0; unit < units.size(); ++unit)
      for (const size_t row : units[unit]) plan_.parts[row] = parts[unit];
  }

  std::vector<int32_t> parts_of(const Units& units) const {
    switch (settings_.kind) {
      case SplitKind::scaffold_moleculenet:
        return moleculenet_parts(units, settings_);
      case SplitKind::scaffold:
      case SplitKind::group:
        return parts_of_units(*group_method(units, settings_.seed), settings_);
      case SplitKind::stratified:
        return parts_of_units(*stratified_method(classes_of(units), settings_.seed), settings_);
      default:
        return parts_of_units(*random_method(units, settings_.seed), settings_);
    }
  }

  std::vector<size_t> classes_of(const Units& units) const {
    if (!settings_.classes)
      return value_classes(data_, units, std::max<size_t>(settings_.folds, 2));
    const std::vector<size_t> classes = label_classes(data_, units);
    if (data_.targets == 1) check_classes(units, classes);
    return classes;
  }

  void check_classes(const Units& units, const std::vector<size_t>& classes) const {
    std::vector<size_t> members(units.size()), first(units.size());
    for (size_t i = units.size(); i-- > 0;) {
      ++members[classes[i]];
      first[classes[i]] = units[i].front();
    }
    const size_t least = std::max<size_t>(settings_.folds, settings_.valid_fraction > 0 ? 2 : 1);
    for (size_t c = 0; c < units.size() && members[c] > 0; ++c)
      if (members[c] < least)
        fail(MOLRT_ERROR_DATA,
             "split=stratified: class {} of target '{}' has {} molecule{}, and each class needs at "
             "least {}",
             data_.values[first[c]], data_.target_names[0], members[c], members[c] == 1 ? "" : "s",
             least);
  }

  Split split(size_t fold) const {
    Split split;
    for (const size_t row : rows_) {
      const int32_t part = plan_.parts[row];
      if (part == MOLRT_PART_TEST)
        split.test.push_back(row);
      else if (part == static_cast<int32_t>(fold))
        split.held_out.push_back(row);
      else
        split.train.push_back(row);
    }
    return split;
  }

  void separate() {
    std::vector<size_t> left_out;
    separate_molecules(plan_.all, data_.molecules, left_out);
    for (Split& fold : plan_.folds) separate_molecules(fold, data_.molecules, left_out);
    if (left_out.empty()) return;
    std::sort(left_out.begin(), left_out.end());
    left_out.erase(std::unique(left_out.begin(), left_out.end()), left_out.end());
    plan_.left_out = left_out.size();
    plan_.warnings.push_back(fmt::format(
        "{} row{} left out on one side, because the split has their molecules on two (rows of the "
        "test stay there, then those held out): row{} {}",
        left_out.size(), left_out.size() == 1 ? " is" : "s are", left_out.size() == 1 ? "" : "s",
        row_list(left_out)));
  }

  static std::string row_list(const std::vector<size_t>& rows) {
    constexpr size_t most_named = 10;
    std::string text;
    for (size_t i = 0; i < std::min(rows.size(), most_named); ++i)
      text += fmt::format("{}{}", i == 0 ? "" : ", ", rows[i] + 1);
    return rows.size() > most_named ? text + ", ..." : text;
  }

  void check_sides() const {
    const bool hold_out = settings_.folds > 1 || settings_.valid_fraction > 0;
    for (size_t i = 0; i < plan_.folds.size(); ++i) {
      const Split& fold = plan_.folds[i];
      const size_t number =
          settings_.kind == SplitKind::given ? i : i + 1;  // the user's own, from 0
      if (fold.train.empty())
        fail(MOLRT_ERROR_DATA, "the split leaves fold {} no row to train on", number);
      if (fold.held_out.empty() && hold_out)
        fail(MOLRT_ERROR_DATA, "the split leaves fold {} no row to hold out: {} rows of {} {}",
             number, rows_.size(), molecules_.size(), "molecules can be used");
    }
    if (plan_.folds[0].test.empty() && settings_.test_fraction > 0)
      fail(MOLRT_ERROR_DATA, "the split leaves no row for the test");
  }

  const HeadTrainingData& data_;
  const SplitSettings& settings_;
  const std::vector<size_t>& rows_;
  Units molecules_;
  SplitPlan plan_;
};

}  // namespace

SplitPlan plan_split(const HeadTrainingData& data, const SplitSettings& settings,
                     const std::vector<size_t>& rows) {
  return Planner(data, settings, rows).plan();
}

}  // namespace molrt
