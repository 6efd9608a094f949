#include "io/split_file.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>

#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "molrt.h"

namespace molrt {
namespace {

using Json = nlohmann::ordered_json;

constexpr uint64_t longest_file = uint64_t{1} << 30;
constexpr size_t most_folds = 1000;

enum class Side : uint8_t { none, train, held_out, test };
constexpr const char* side_names[] = {"no list", "\"train\"", "\"val\"", "\"test\""};
const char* name_of(Side side) { return side_names[static_cast<size_t>(side)]; }

// The sides of one fold's rows.
class FoldReader {
 public:
  FoldReader(const std::string& path, size_t fold, size_t rows)
      : path_(path), fold_(fold), sides_(rows, Side::none) {}

  std::vector<Side> read(const Json& fold) {
    if (!fold.is_object()) fail_here("expected an object with \"train\", \"val\" and \"test\"");
    for (const auto& [key, rows] : fold.items()) add(key, rows);
    if (!fold.contains("train")) fail_here("has no \"train\"");
    return std::move(sides_);
  }

 private:
  template <typename... Arguments>
  [[noreturn]] void fail_here(fmt::format_string<Arguments...> text, Arguments&&... arguments) {
    fail(MOLRT_ERROR_FORMAT, "{}: fold {}: {}", path_, fold_,
         fmt::format(text, std::forward<Arguments>(arguments)...));
  }

  void add(const std::string& key, const Json& rows) {
    const Side side = key == "train"                   ? Side::train
                      : key == "val" || key == "valid" ? Side::held_out
                      : key == "test"                  ? Side::test
                                                       : Side::none;
    if (side == Side::none)
      fail_here("{}: expected \"train\", \"val\" or \"test\"", in_quotes(key));
    if (rows.is_string()) return add_ranges(side, rows.get_ref<const std::string&>());
    if (!rows.is_array()) fail_here("{} is neither an array nor a text", name_of(side));
    for (const Json& row : rows) {
      if (!row.is_number_unsigned())
        fail_here("{} has {}: expected row numbers from 0", name_of(side),
                  printable(row.dump(), 40));
      add_row(side, row.get<uint64_t>());
    }
  }

  // "0-2,7"
  void add_ranges(Side side, std::string_view text) {
    while (!trim(text).empty()) {
      const size_t comma = std::min(text.find(','), text.size());
      const std::string_view range = trim(text.substr(0, comma));
      text.remove_prefix(std::min(comma + 1, text.size()));
      const size_t dash = std::min(range.find('-'), range.size());
      const uint64_t first = number(side, range.substr(0, dash), range);
      const uint64_t last =
          dash == range.size() ? first : number(side, range.substr(dash + 1), range);
      if (first > last)
        fail_here("{} has the range '{}', which ends before it begins", name_of(side), range);
      for (uint64_t row = first; row <= last; ++row) add_row(side, row);
    }
  }

  uint64_t number(Side side, std::string_view text, std::string_view range) {
    const std::string_view digits = trim(text);
    uint64_t value = 0;
    const auto result = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (digits.empty() || result.ec != std::errc() || result.ptr != digits.data() + digits.size())
      fail_here("{} has {}: expected row numbers such as 7 or 0-2", name_of(side),
                in_quotes(range));
    return value;
  }

  void add_row(Side side, uint64_t row) {
    if (row >= sides_.size())
      fail_here("{} has row {}, but the table's rows are 0 to {}", name_of(side), row,
                sides_.size() - 1);
    if (sides_[row] != Side::none)
      fail_here("row {} is in {} and again in {}", row, name_of(sides_[row]), name_of(side));
    sides_[row] = side;
  }

  const std::string& path_;
  size_t fold_;
  std::vector<Side> sides_;
};

// The folds' sides as one part for each row.
class Merger {
 public:
  Merger(const std::string& path, size_t rows)
      : path_(path), parts_(rows, MOLRT_PART_NONE), trained_(rows, 0), tested_(rows, 0) {}

  void add(const std::vector<Side>& sides) {
    for (size_t row = 0; row < sides.size(); ++row) {
      if (sides[row] == Side::held_out) hold_out(row);
      trained_[row] += sides[row] == Side::train;
      tested_[row] += sides[row] == Side::test;
    }
    if (++folds_ > 1 && std::find(sides.begin(), sides.end(), Side::held_out) == sides.end())
      fail(MOLRT_ERROR_FORMAT, "{}: fold {}: \"val\" holds no row out", path_, folds_ - 1);
  }

  std::vector<int32_t> finish() {
    for (size_t row = 0; row < parts_.size(); ++row) finish(row);
    return std::move(parts_);
  }

 private:
  void hold_out(size_t row) {
    if (parts_[row] >= 0)
      fail(MOLRT_ERROR_FORMAT, "{}: row {} is held out by fold {} and by fold {}", path_, row,
           parts_[row], folds_);
    parts_[row] = static_cast<int32_t>(folds_);
  }

  void finish(size_t row) {
    const size_t held_out = parts_[row] >= 0 ? 1 : 0;
    const size_t there = trained_[row] + tested_[row] + held_out;
    if (there == 0) return;
    if (tested_[row] == folds_)
      parts_[row] = MOLRT_PART_TEST;
    else if (trained_[row] == folds_)
      parts_[row] = MOLRT_PART_TRAIN;
    else if (tested_[row] > 0 || there != folds_)
      fail(MOLRT_ERROR_FORMAT,
           "{}: row {}: {} folds train on it, {} hold it out, {} have it in the test and {} leave "
           "it out; expected the test of all, or training on it but in the fold that holds it out",
           path_, row, trained_[row], held_out, tested_[row], folds_ - there);
  }

  const std::string& path_;
  std::vector<int32_t> parts_;
  std::vector<size_t> trained_, tested_;
  size_t folds_ = 0;
};

Json parse(const std::string& path) {
  const auto source = ByteSource::open_file(path);
  if (source->size() > longest_file)
    fail(MOLRT_ERROR_FORMAT, "{}: {} bytes are more than the limit of {}", path, source->size(),
         longest_file);
  const auto bytes = source->read(0, source->size(), "the split");
  const auto* text = reinterpret_cast<const char*>(bytes.data());
  try {
    Json json = Json::parse(text, text + bytes.size());
    return json.is_object() ? Json::array({std::move(json)}) : json;
  } catch (const Json::exception& e) {
    fail(MOLRT_ERROR_FORMAT, "{}: no JSON: {}", path, printable(e.what()));
  }
}

Json fold_json(std::span<const int32_t> parts, int32_t fold) {
  Json train = Json::array(), held_out = Json::array(), test = Json::array();
  for (size_t row = 0; row < parts.size(); ++row) {
    if (parts[row] == MOLRT_PART_NONE) continue;
    Json& list = parts[row] == MOLRT_PART_TEST ? test : parts[row] == fold ? held_out : train;
    list.push_back(row);
  }
  return {{"train", std::move(train)}, {"val", std::move(held_out)}, {"test", std::move(test)}};
}

}  // namespace

std::vector<int32_t> read_split_file(const std::string& path, size_t rows) {
  const Json json = parse(path);
  if (!json.is_array() || json.empty() || json.size() > most_folds)
    fail(MOLRT_ERROR_FORMAT, "{}: expected an array of 1 to {} folds", path, most_folds);
  Merger merger(path, rows);
  for (size_t fold = 0; fold < json.size(); ++fold)
    merger.add(FoldReader(path, fold, rows).read(json[fold]));
  return merger.finish();
}

void write_split_file(const std::string& path, std::span<const int32_t> parts) {
  const int32_t last = parts.empty() ? 0 : *std::max_element(parts.begin(), parts.end());
  Json folds = Json::array();
  for (int32_t fold = 0; fold <= std::max(last, 0); ++fold) folds.push_back(fold_json(parts, fold));
  write_whole(path, folds.dump() + "\n");
}

}  // namespace molrt
