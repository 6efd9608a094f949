#pragma once
// How units are chosen and dealt, one method for each kind of split. Units are known by their
// places in the list.
#include <memory>

#include "train/split.h"

namespace molrt {

class SplitMethod {
 public:
  virtual ~SplitMethod() = default;
  // All units, in the order in which take() and deal() look at them.
  virtual std::vector<size_t> order() const = 0;
  // Those of `units` (of the order) that make up `fraction` of all rows; at least one, never all.
  virtual std::vector<size_t> take(const std::vector<size_t>& units, double fraction) const = 0;
  // [units]: each one's fold.
  virtual std::vector<size_t> deal(const std::vector<size_t>& units, size_t folds) const = 0;
};

std::unique_ptr<SplitMethod> random_method(const Units& molecules, uint64_t seed);
std::unique_ptr<SplitMethod> group_method(const Units& groups, uint64_t seed);
// classes [molecules].
std::unique_ptr<SplitMethod> stratified_method(std::vector<size_t> classes, uint64_t seed);

// [units]: the part of each one, by DeepChem's ScaffoldSplitter.
std::vector<int32_t> moleculenet_parts(const Units& scaffolds, const SplitSettings& settings);

}  // namespace molrt
