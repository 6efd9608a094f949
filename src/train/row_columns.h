#pragma once
// What is known of each row beside its molecule and its targets.
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "model/batch.h"
#include "train/head_training.h"

namespace molrt {

class RowColumns {
 public:
  explicit RowColumns(size_t rows) : rows_(rows) {}

  // [rows] each; INVALID_ARGUMENT for another number of rows, for a weight that is not finite or
  // below 0 and for weights that are all 0, for a part that is none (MOLRT_PART_* or a fold).
  void set_weights(std::vector<double> weights);
  void set_groups(std::vector<std::string> groups);
  void set_parts(std::vector<int32_t> parts);

  // Where the user has not set `split`, a column sets it; reads its file; `folds` becomes that of
  // the given split. INVALID_ARGUMENT for a column that the split does not use, one that it lacks,
  // another number of folds, or a setting that has no effect beside them.
  void settle(Settings& settings);

  // Which rows are the same molecule, and their scaffolds if the split goes by them. CANCELLED if
  // `cancelled` says so. DATA error for a row of atoms without bonds, which have no scaffold.
  void describe_molecules(const Batch& batch, const Settings& settings, int threads,
                          const std::function<bool()>& cancelled);
  void give(HeadTrainingData& data) const;

 private:
  void check_rows(const char* name, size_t found) const;
  void settle_folds(Settings& settings) const;

  size_t rows_;
  std::vector<double> weights_;
  std::vector<std::string> groups_, molecules_;
  std::vector<int32_t> parts_;
};

}  // namespace molrt
