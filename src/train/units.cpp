#include "train/units.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <string_view>
#include <unordered_map>

namespace molrt {
namespace {

// Disjoint sets of the numbers below n; a set is known by its least.
class Sets {
 public:
  explicit Sets(size_t n) : parent_(n) { std::iota(parent_.begin(), parent_.end(), size_t{0}); }

  size_t least(size_t i) {
    while (parent_[i] != i) i = parent_[i] = parent_[parent_[i]];
    return i;
  }
  void join(size_t a, size_t b) {
    a = least(a);
    b = least(b);
    parent_[std::max(a, b)] = std::min(a, b);
  }

 private:
  std::vector<size_t> parent_;
};

void join_same(Sets& sets, std::span<const size_t> rows, std::span<const std::string> names) {
  if (names.empty()) return;
  std::unordered_map<std::string_view, size_t> first;
  for (size_t i = 0; i < rows.size(); ++i)
    sets.join(first.try_emplace(names[rows[i]], i).first->second, i);
}

Units listed(Sets& sets, std::span<const size_t> rows) {
  std::map<size_t, std::vector<size_t>> by_least;
  for (size_t i = 0; i < rows.size(); ++i) by_least[sets.least(i)].push_back(rows[i]);
  Units units;
  for (auto& [least, members] : by_least) units.push_back(std::move(members));
  return units;
}

}  // namespace

Units units_of(std::span<const size_t> rows, std::span<const std::string> names) {
  Sets sets(rows.size());
  join_same(sets, rows, names);
  return listed(sets, rows);
}

Units joined_units(std::span<const size_t> rows, std::span<const std::string> molecules,
                   std::span<const std::string> groups) {
  Sets sets(rows.size());
  join_same(sets, rows, molecules);
  join_same(sets, rows, groups);
  std::map<std::string_view, std::vector<size_t>> by_name;
  for (std::vector<size_t>& unit : listed(sets, rows)) {
    std::string_view least = groups[unit.front()];
    for (const size_t row : unit) least = std::min<std::string_view>(least, groups[row]);
    by_name[least] = std::move(unit);
  }
  Units units;
  for (auto& [name, members] : by_name) units.push_back(std::move(members));
  return units;
}

Repeated count_repeated(const Units& molecules) {
  Repeated repeated;
  for (const auto& rows : molecules)
    if (rows.size() > 1) {
      repeated.molecules += 1;
      repeated.rows += rows.size();
    }
  return repeated;
}

}  // namespace molrt
