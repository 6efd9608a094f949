#pragma once
// Splits as index files: JSON, row numbers from 0.
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace molrt {

// [rows]: MOLRT_PART_* or the fold that holds the row out. The file is an array with an object for
// each fold, or one object: "train", "val" (or "valid") and "test", each an array of numbers or a
// text of numbers and ranges with both ends ("0-2,7"), as chemprop's --splits-file. A row that is
// in none is MOLRT_PART_NONE; "test", and of one fold "val", may be left out. FORMAT error naming
// the path, the fold and the row for a row in two lists, one beyond the table, or one that is held
// out by two folds, not trained on by the others, or in the test of some folds only.
std::vector<int32_t> read_split_file(const std::string& path, size_t rows);

// The same, atomically; parts [rows]. With nothing held out, one object whose "val" is empty.
void write_split_file(const std::string& path, std::span<const int32_t> parts);

}  // namespace molrt
