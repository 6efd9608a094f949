#include "train/split_methods.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "train/group_folds.h"
#include "train/shuffle.h"

namespace molrt {
namespace {

std::vector<size_t> numbers_below(size_t n) {
  std::vector<size_t> numbers(n);
  std::iota(numbers.begin(), numbers.end(), size_t{0});
  return numbers;
}

std::vector<size_t> by_chance(size_t n, uint64_t seed) {
  return shuffled(numbers_below(n), random_key(seed, 0), ShuffleStream::split, 0);
}

size_t share(double fraction, size_t all, size_t most) {
  const auto wanted = static_cast<size_t>(std::llround(fraction * static_cast<double>(all)));
  return std::clamp<size_t>(wanted, 1, most);
}

class RandomMethod : public SplitMethod {
 public:
  RandomMethod(size_t molecules, uint64_t seed) : order_(by_chance(molecules, seed)) {}

  std::vector<size_t> order() const override { return order_; }

  std::vector<size_t> take(const std::vector<size_t>& units, double fraction) const override {
    const size_t count = share(fraction, order_.size(), units.size() - 1);
    return {units.begin(), units.begin() + static_cast<std::ptrdiff_t>(count)};
  }

  std::vector<size_t> deal(const std::vector<size_t>& units, size_t folds) const override {
    std::vector<size_t> fold_of;
    for (size_t fold = 0; fold < folds; ++fold)
      fold_of.insert(fold_of.end(), units.size() / folds + (fold < units.size() % folds ? 1 : 0),
                     fold);
    return fold_of;
  }

 private:
  std::vector<size_t> order_;
};

class GroupMethod : public SplitMethod {
 public:
  GroupMethod(const Units& groups, uint64_t seed) : seed_(seed) {
    for (const auto& rows : groups) sizes_.push_back(rows.size());
  }

  std::vector<size_t> order() const override { return numbers_below(sizes_.size()); }

  std::vector<size_t> take(const std::vector<size_t>& units, double fraction) const override {
    const size_t all = std::accumulate(sizes_.begin(), sizes_.end(), size_t{0});
    size_t left = share(fraction, all, all);
    std::vector<size_t> taken, order;
    for (const size_t place : by_chance(units.size(), seed_)) order.push_back(units[place]);
    for (const size_t unit : order)
      if (sizes_[unit] <= left && taken.size() + 1 < units.size()) {
        taken.push_back(unit);
        left -= sizes_[unit];
      }
    if (taken.empty())
      taken.push_back(*std::min_element(order.begin(), order.end(),
                                        [&](size_t a, size_t b) { return sizes_[a] < sizes_[b]; }));
    return taken;
  }

  std::vector<size_t> deal(const std::vector<size_t>& units, size_t folds) const override {
    std::vector<size_t> sizes;
    for (const size_t unit : units) sizes.push_back(sizes_[unit]);
    return group_k_folds(sizes, folds);
  }

 private:
  uint64_t seed_;
  std::vector<size_t> sizes_;
};

class StratifiedMethod : public SplitMethod {
 public:
  StratifiedMethod(std::vector<size_t> classes, uint64_t seed)
      : order_(by_chance(classes.size(), seed)) {
    std::stable_sort(order_.begin(), order_.end(),
                     [&](size_t a, size_t b) { return classes[a] < classes[b]; });
  }

  std::vector<size_t> order() const override { return order_; }

  // At even distances in the order by class.
  std::vector<size_t> take(const std::vector<size_t>& units, double fraction) const override {
    const size_t n = units.size(), count = share(fraction, order_.size(), n - 1);
    const auto taken_before = [&](size_t i) { return (2 * i * count + n) / (2 * n); };
    std::vector<size_t> taken;
    for (size_t i = 0; i < n; ++i)
      if (taken_before(i + 1) > taken_before(i)) taken.push_back(units[i]);
    return taken;
  }

  std::vector<size_t> deal(const std::vector<size_t>& units, size_t folds) const override {
    std::vector<size_t> fold_of;
    for (size_t i = 0; i < units.size(); ++i) fold_of.push_back(i % folds);
    return fold_of;
  }

 private:
  std::vector<size_t> order_;
};

}  // namespace

std::unique_ptr<SplitMethod> random_method(const Units& molecules, uint64_t seed) {
  return std::make_unique<RandomMethod>(molecules.size(), seed);
}

std::unique_ptr<SplitMethod> group_method(const Units& groups, uint64_t seed) {
  return std::make_unique<GroupMethod>(groups, seed);
}

std::unique_ptr<SplitMethod> stratified_method(std::vector<size_t> classes, uint64_t seed) {
  return std::make_unique<StratifiedMethod>(std::move(classes), seed);
}

}  // namespace molrt
