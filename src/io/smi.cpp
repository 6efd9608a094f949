#include "io/smi.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace molrt {
bool names_smiles(std::string_view column) {
  static constexpr std::array<std::string_view, 7> names = {
      "smiles", "canonical_smiles", "isomeric_smiles", "smi", "structure", "mol", "molecule"};
  const std::string name = lower(std::string(trim(column)));
  return std::find(names.begin(), names.end(), name) != names.end();
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
