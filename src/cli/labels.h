#pragma once
// The classes that a classification model's probabilities mean, as columns beside them.
#include <string>
#include <vector>

#include "molrt.h"

namespace molrt::cli {

class Labels {
 public:
  explicit Labels(const molrt_model* model);

  // What stands behind output `index`'s own columns: TARGET_label of a binary or multilabel target
  // (1 above its threshold, .5 where the model stores none), and behind the last class of a
  // multiclass one the index of the largest probability. Nothing for other tasks.
  void add_column(size_t index, std::vector<std::string>& names) const;
  // The same for a row's probabilities [outputs]; empty for a row without.
  void add_value(size_t index, const float* row, std::vector<std::string>& values) const;

 private:
  bool has_column(size_t index) const;

  int32_t task_;
  std::vector<std::string> targets_;
  std::vector<double> thresholds_;  // [outputs]
};

}  // namespace molrt::cli
