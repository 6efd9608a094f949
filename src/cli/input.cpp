#include "cli/input.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <limits>

#include "base/error.h"
#include "cli/signals.h"
#include "cli/suggest.h"

namespace molrt::cli {
namespace {

std::string lower(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c += 'a' - 'A';  // not tolower: the locale has no say here
  }
  return text;
}

bool names_smiles(const std::string& column) {
  static const std::array names = {
      "smiles", "canonical_smiles", "isomeric_smiles", "smi", "structure", "mol", "molecule"};
  return std::find(names.begin(), names.end(), lower(trimmed(column))) != names.end();
}

std::string quoted_list(const std::vector<std::string>& names) {
  std::string list;
  for (const auto& name : names) list += fmt::format("{}'{}'", list.empty() ? "" : ", ", name);
  return list;
}

std::optional<uint64_t> count_rows(const std::string& path) {
  std::error_code ignored;
  if (path == "-" || !std::filesystem::is_regular_file(path, ignored)) return std::nullopt;
  CsvReader reader(path);
  uint64_t rows = 0;
  for (CsvRecord record; reader.next(record); ++rows) check_signals();
  return rows;
}

}  // namespace

std::string trimmed(const std::string& text) {
  constexpr const char* blanks = " \t\r\n";
  const auto first = text.find_first_not_of(blanks);
  if (first == std::string::npos) return "";
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

std::optional<double> parse_number(const std::string& cell) {
  const auto text = trimmed(cell);
  const auto word = lower(text);
  if (word.empty() || word == "nan" || word == "na" || word == "n/a") {
    return std::numeric_limits<double>::quiet_NaN();
  }
  const bool plus =
      text.size() > 1 && text[0] == '+' && text[1] != '-';  // from_chars knows no plus
  const char* end = text.data() + text.size();
  double value = 0;
  const auto result = std::from_chars(text.data() + plus, end, value);
  if (result.ec != std::errc() || result.ptr != end || !std::isfinite(value)) return std::nullopt;
  return value;
}

InputTable::InputTable(const InputOptions& options)
    : rows_(count_rows(options.path)),
      reader_(options.path),
      smiles_column_(options.smiles.empty() ? guess_smiles() : column(options.smiles)) {}

std::string InputTable::smiles(const CsvRecord& record) const {
  return trimmed(record.fields[smiles_column_]);
}

bool InputTable::smiles_is_named() const { return names_smiles(header()[smiles_column_]); }

std::optional<size_t> InputTable::find(const std::string& name) const {
  const auto matches = [&](const std::string& column) { return trimmed(column) == trimmed(name); };
  const auto found = std::find_if(header().begin(), header().end(), matches);
  if (found == header().end()) return std::nullopt;
  if (std::any_of(found + 1, header().end(), matches)) {
    fail(MOLRT_ERROR_INVALID_ARGUMENT, "{}: more than one column is named '{}'", this->name(),
         name);
  }
  return found - header().begin();
}

size_t InputTable::column(const std::string& name) const {
  if (const auto found = find(name)) return *found;
  const auto near = nearest(name, header());
  fail(MOLRT_ERROR_INVALID_ARGUMENT, "{}: no column '{}'; the columns are {}{}", this->name(), name,
       quoted_list(header()), near.empty() ? "" : fmt::format("; did you mean '{}'?", near));
}

size_t InputTable::guess_smiles() const {
  if (header().size() == 1) return 0;
  if (std::count_if(header().begin(), header().end(), names_smiles) == 1) {
    return std::find_if(header().begin(), header().end(), names_smiles) - header().begin();
  }
  fail(MOLRT_ERROR_INVALID_ARGUMENT,
       "{}: which column holds the SMILES? Say it with --smiles; the columns are {}", name(),
       quoted_list(header()));
}

}  // namespace molrt::cli
