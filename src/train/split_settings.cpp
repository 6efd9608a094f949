#include "train/split_settings.h"

#include <array>
#include <utility>

#include "base/error.h"
#include "train/task_settings.h"

namespace molrt {
namespace {

constexpr std::array<std::pair<const char*, SplitKind>, 7> kinds = {
    {{"random", SplitKind::random},
     {"scaffold", SplitKind::scaffold},
     {"scaffold_moleculenet", SplitKind::scaffold_moleculenet},
     {"group", SplitKind::group},
     {"stratified", SplitKind::stratified},
     {"column", SplitKind::given},
     {"file", SplitKind::given}}};

SplitKind kind_of(const Settings& s) {
  const std::string name = s.text("split");
  for (const auto& [kind_name, kind] : kinds)
    if (name == kind_name) return kind;
  return SplitKind::random;
}

SettingValue split_beside(const Settings& s) { return s.is_set("split_file") ? "file" : "random"; }

std::string file_of_split(const Settings& s) {
  return s.text("split") == "file" ? "" : "it belongs to split=file";
}

std::string given_parts(const Settings& s) {
  return kind_of(s) == SplitKind::given ? "split=" + s.text("split") + " names the rows held out"
                                        : "";
}

std::string valid_fraction_of_one_fold(const Settings& s) {
  return s.i64("folds") == 1 ? given_parts(s) : "with folds >= 2 each fold's own part is held out";
}

}  // namespace

std::vector<SettingRow> split_settings() {
  return {
      {"split", "random", "", "", 0, 0,
       "random|scaffold|scaffold_moleculenet|group|stratified|column|file", "0.1.0",
       "how rows are held out; a molecule's rows always stay together. random: molecules by "
       "chance. "
       "scaffold: whole chiral Murcko scaffolds, folds as unimol_tools (scikit-learn's "
       "GroupKFold). "
       "scaffold_moleculenet: Murcko scaffolds without chirality, the largest into training "
       "(DeepChem's ScaffoldSplitter). group: whole groups of a column (GroupKFold). stratified: "
       "with equal shares of each class or of each tenth of the first target's values "
       "(StratifiedKFold). column, file: as given; the default where a column or split_file is",
       nullptr, split_beside},
      {"split_file", "", "", "", 0, 0, "", "0.1.0",
       "JSON with the row numbers, from 0, of each fold: [{\"train\": [0, 1], \"val\": \"2-5,7\", "
       "\"test\": []}, and so on]",
       file_of_split},
      {"valid_fraction", .1, "", "", 0, .9, "", "0.1.0",
       "with folds=1: part of the rows that is held out for early stopping and for the reported "
       "metrics; 0: none",
       valid_fraction_of_one_fold},
      {"test_fraction", 0.0, "", ".1", 0, .9, "", "0.1.0",
       "part of the rows that is kept apart: never trained on, never stopped by, reported as test",
       given_parts},
  };
}

bool holds_nothing_out(const Settings& s) {
  return s.i64("folds") == 1 && s.f64("valid_fraction") == 0;
}

SplitSettings read_split_settings(const Settings& s) {
  SplitSettings settings;
  settings.kind = kind_of(s);
  settings.folds = static_cast<size_t>(s.i64("folds"));
  const bool given = settings.kind == SplitKind::given;
  settings.valid_fraction = given || settings.folds > 1 ? 0 : s.f64("valid_fraction");
  settings.test_fraction = given ? 0 : s.f64("test_fraction");
  settings.seed = static_cast<uint64_t>(s.i64("seed"));
  settings.classes = is_classification(task_of(s));
  if (settings.valid_fraction + settings.test_fraction >= 1)
    fail(MOLRT_ERROR_INVALID_ARGUMENT,
         "valid_fraction = {} and test_fraction = {} leave no rows to train on",
         settings.valid_fraction, settings.test_fraction);
  if (s.text("split") == "file" && s.text("split_file").empty())
    fail(MOLRT_ERROR_INVALID_ARGUMENT, "split=file needs split_file, the path of the file");
  return settings;
}

}  // namespace molrt
