// DeepChem's ScaffoldSplitter, which made MoleculeNet's scaffold splits.
#include <algorithm>
#include <numeric>

#include "molrt.h"
#include "train/split_methods.h"

namespace molrt {
namespace {

class ScaffoldSplitter {
 public:
  explicit ScaffoldSplitter(const Units& scaffolds)
      : scaffolds_(scaffolds), parts_(scaffolds.size(), MOLRT_PART_TRAIN), left_(parts_.size()) {
    std::iota(left_.begin(), left_.end(), size_t{0});
    std::sort(left_.begin(), left_.end(),
              [&](size_t a, size_t b) { return scaffolds_[a].front() < scaffolds_[b].front(); });
  }

  // Of all that is left: `train` of the rows stay, then `valid` of them go to `held_out`, and what
  // does not fit is left, in the order in which it was looked at.
  void split(double train, double valid, int32_t stay, int32_t held_out) {
    const double rows = static_cast<double>(count(left_)) + rounding;
    size_t trained = 0, held = 0;
    std::vector<size_t> rest;
    for (const size_t unit : by_falling_size()) {
      const size_t size = scaffolds_[unit].size();
      if (static_cast<double>(trained + size) <= train * rows) {
        trained += size;
        parts_[unit] = stay;
      } else if (static_cast<double>(trained + held + size) <= (train + valid) * rows) {
        held += size;
        parts_[unit] = held_out;
      } else {
        rest.push_back(unit);
      }
    }
    left_ = std::move(rest);
  }

  void keep_rest_for_test() {
    for (const size_t unit : left_) parts_[unit] = MOLRT_PART_TEST;
  }
  void take_back_trained() {
    left_.clear();
    for (size_t unit = 0; unit < parts_.size(); ++unit)
      if (parts_[unit] == MOLRT_PART_TRAIN) left_.push_back(unit);
    std::sort(left_.begin(), left_.end(),
              [&](size_t a, size_t b) { return scaffolds_[a].front() < scaffolds_[b].front(); });
  }

  std::vector<int32_t> take() { return std::move(parts_); }

 private:
  // Fractions such as .1 are not exact, and a scaffold that just fits belongs in.
  static constexpr double rounding = 1e-6;

  size_t count(const std::vector<size_t>& units) const {
    size_t rows = 0;
    for (const size_t unit : units) rows += scaffolds_[unit].size();
    return rows;
  }
  // Of equal ones, the later first.
  std::vector<size_t> by_falling_size() const {
    std::vector<size_t> order(left_.rbegin(), left_.rend());
    std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
      return scaffolds_[a].size() > scaffolds_[b].size();
    });
    return order;
  }

  const Units& scaffolds_;
  std::vector<int32_t> parts_;
  std::vector<size_t> left_;
};

}  // namespace

std::vector<int32_t> moleculenet_parts(const Units& scaffolds, const SplitSettings& settings) {
  ScaffoldSplitter splitter(scaffolds);
  const double kept = 1 - settings.test_fraction;
  if (settings.folds == 1) {
    splitter.split(kept - settings.valid_fraction, settings.valid_fraction, MOLRT_PART_TRAIN, 0);
    splitter.keep_rest_for_test();
    return splitter.take();
  }
  splitter.split(kept, 0, MOLRT_PART_TRAIN, MOLRT_PART_TRAIN);
  splitter.keep_rest_for_test();
  splitter.take_back_trained();
  for (size_t fold = 0; fold < settings.folds; ++fold) {
    const auto number = static_cast<int32_t>(fold);
    splitter.split(1. / static_cast<double>(settings.folds - fold), 0, number, number);
  }
  return splitter.take();
}

}  // namespace molrt
