#include "train/given_parts.h"

#include <algorithm>
#include <charconv>
#include <unordered_set>

#include "base/error.h"
#include "base/text.h"

namespace molrt {
namespace {

constexpr int32_t most_folds = 1000;

using Names = std::unordered_set<std::string_view>;

void add_names(Names& names, const std::vector<size_t>& rows,
               std::span<const std::string> molecules) {
  for (const size_t row : rows) names.insert(molecules[row]);
}

void take_out(std::vector<size_t>& rows, const Names& names, std::span<const std::string> molecules,
              std::vector<size_t>& left_out) {
  std::erase_if(rows, [&](size_t row) {
    const bool found = names.contains(molecules[row]);
    if (found) left_out.push_back(row);
    return found;
  });
}

}  // namespace

int32_t part_of_word(std::string_view text) {
  const std::string word = lower(std::string(trim(text)));
  if (word == "train" || word == "training") return MOLRT_PART_TRAIN;
  if (word == "valid" || word == "validation" || word == "val" || word == "dev") return 0;
  if (word == "test") return MOLRT_PART_TEST;
  int32_t fold = -1;
  const auto result = std::from_chars(word.data(), word.data() + word.size(), fold);
  if (!word.empty() && result.ec == std::errc() && result.ptr == word.data() + word.size() &&
      fold >= 0 && fold < most_folds)
    return fold;
  fail(MOLRT_ERROR_INVALID_ARGUMENT,
       "{} is no part of a split: expected train, valid, test or the number of a fold from 0 to {}",
       in_quotes(text), most_folds - 1);
}

size_t count_given_folds(std::span<const int32_t> parts) {
  std::vector<size_t> rows;
  for (size_t row = 0; row < parts.size(); ++row) {
    const int32_t part = parts[row];
    if (part < MOLRT_PART_NONE || part >= most_folds)
      fail(MOLRT_ERROR_INVALID_ARGUMENT, "row {}: part {}: expected {} to {}", row + 1, part,
           MOLRT_PART_NONE, most_folds - 1);
    if (part < 0) continue;
    rows.resize(std::max(rows.size(), static_cast<size_t>(part) + 1));
    ++rows[static_cast<size_t>(part)];
  }
  if (const auto empty = std::find(rows.begin(), rows.end(), 0u); empty != rows.end())
    fail(MOLRT_ERROR_INVALID_ARGUMENT, "no row is in fold {} of the folds 0 to {} of the split",
         empty - rows.begin(), rows.size() - 1);
  return std::max<size_t>(rows.size(), 1);
}

void separate_molecules(Split& split, std::span<const std::string> molecules,
                        std::vector<size_t>& left_out) {
  if (molecules.empty()) return;
  Names names;
  add_names(names, split.test, molecules);
  take_out(split.held_out, names, molecules, left_out);
  add_names(names, split.held_out, molecules);
  take_out(split.train, names, molecules, left_out);
}

}  // namespace molrt
