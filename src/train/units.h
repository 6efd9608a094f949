#pragma once
// What no split tears apart: a molecule's rows, and the rows of a group.
#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace molrt {

using Units = std::vector<std::vector<size_t>>;  // each one's rows, ascending

// The rows with the same name in one unit; units in the order of their first rows. names [rows of
// the table]; empty: every row is a unit.
Units units_of(std::span<const size_t> rows, std::span<const std::string> names);

// Groups, together where a molecule has rows in several; in the ascending order of their names (of
// several the least), byte by byte.
Units joined_units(std::span<const size_t> rows, std::span<const std::string> molecules,
                   std::span<const std::string> groups);

// How many molecules have several rows, and how many rows those have.
struct Repeated {
  size_t molecules = 0, rows = 0;
};
Repeated count_repeated(const Units& molecules);

}  // namespace molrt
