#include "io/smi.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace molrt {
namespace {

bool equal_but_case(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 'a' - 'A') : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [&](char x, char y) { return lower(x) == lower(y); });
}

}  // namespace

bool names_smiles(std::string_view column) {
  static constexpr std::array<std::string_view, 7> names = {
      "smiles", "canonical_smiles", "isomeric_smiles", "smi", "structure", "mol", "molecule"};
  return std::any_of(names.begin(), names.end(),
                     [&](auto name) { return equal_but_case(trim(column), name); });
}

SmiReader::SmiReader(ByteStreamPtr text) : lines_(std::move(text)) {}

bool SmiReader::next(Record& record) {
  for (Line line; lines_.next(line);) {
    const auto text = trim(line.text);
    const auto end = std::min(text.find_first_of(" \t"), text.size());
    const bool is_header = !begun_ && names_smiles(text.substr(0, end));
    if (text.empty() || is_header) {
      begun_ = begun_ || is_header;
      continue;
    }
    begun_ = true;
    record = {{std::string(text.substr(0, end)), std::string(trim(text.substr(end)))},
              ++row_,
              line.number,
              {},
              {}};
    return true;
  }
  return false;
}

RecordCounts SmiReader::counts() const {
  RecordCounts counts;
  counts.not_utf8_line = lines_.not_utf8_line();
  return counts;
}

}  // namespace molrt
