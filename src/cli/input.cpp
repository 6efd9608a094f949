#include "cli/input.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "base/text.h"
#include "cli/input_file.h"
#include "cli/session.h"
#include "cli/signals.h"
#include "cli/suggest.h"
#include "io/smi.h"

namespace molrt::cli {
namespace {

bool is_missing(std::string_view text) {
  const auto word = lower(std::string(text));
  return word.empty() || word == "nan" || word == "na" || word == "n/a";
}

std::string quoted_list(const std::vector<std::string>& names) {
  constexpr size_t most = 50;
  std::string list;
  for (size_t i = 0; i < std::min(names.size(), most); ++i) {
    list += fmt::format("{}'{}'", list.empty() ? "" : ", ", names[i]);
  }
  if (names.size() > most) list += fmt::format(" and {} more", names.size() - most);
  return list;
}

// "#2" is the second column: index 1.
std::optional<size_t> position(const std::string& name, size_t columns) {
  size_t number = 0;
  const char* end = name.data() + name.size();
  if (!name.starts_with('#')) return std::nullopt;
  const auto result = std::from_chars(name.data() + 1, end, number);
  if (result.ec != std::errc() || result.ptr != end || number < 1 || number > columns) {
    return std::nullopt;
  }
  return number - 1;
}

uint32_t add_to_crc(uint32_t crc, const std::string& text) {  // its NUL separates texts
  return static_cast<uint32_t>(
      crc32_z(crc, reinterpret_cast<const Bytef*>(text.c_str()), text.size() + 1));
}

}  // namespace

std::optional<double> parse_number(const std::string& cell, bool decimal_comma) {
  std::string text(trim(cell));
  if (is_missing(text)) return std::numeric_limits<double>::quiet_NaN();
  if (decimal_comma) {
    if (text.find('.') != std::string::npos) return std::nullopt;  // of thousands, or of decimals
    std::replace(text.begin(), text.end(), ',', '.');
  }
  const bool plus =
      text.size() > 1 && text[0] == '+' && text[1] != '-';  // from_chars knows no plus
  const char* end = text.data() + text.size();
  double value = 0;
  const auto result = std::from_chars(text.data() + plus, end, value);
  if (result.ec != std::errc() || result.ptr != end || !std::isfinite(value)) return std::nullopt;
  return value;
}

InputTable::InputTable(const InputOptions& options) : decimal_comma_(options.decimal_comma) {
  const auto file = find_input(options);
  is_sdf_ = file.is_sdf;
  rows_ = file.rows;
  if (file.can_reopen && !rows_) count_rows(file.open);
  reader_ = file.open();
  if (!is_sdf_) smiles_column_ = find_smiles(options.smiles);
}

void InputTable::count_rows(const Open& open) {
  const auto reader = open();
  uint64_t rows = 0;
  for (Record record; reader->next(record); ++rows) check_signals();
  rows_ = rows;
}

bool InputTable::next(Record& record) {
  const bool found = reader_->next(record);
  rows_read_ += found;
  if (rows_ && (found ? rows_read_ > *rows_ : rows_read_ < *rows_)) {
    fail(MOLRT_ERROR_IO, "{}: changed while it was read: it had {} rows, now it has {}", name(),
         *rows_, found ? "more" : fmt::format("{}", rows_read_));
  }
  if (!found) return false;
  for (const auto& field : record.fields) crc_ = add_to_crc(crc_, field);
  if (is_sdf_) crc_ = add_to_crc(crc_, record.block);
  check_numbers(record);
  return true;
}

void InputTable::check_numbers(Record& record) const {
  if (!record.problem.empty()) return;
  for (const size_t column : number_columns_) {
    if (number(record, column)) continue;
    record.problem =
        fmt::format("column '{}': '{:.60}' is no number", header()[column], record.fields[column]);
  }
}

void InputTable::add_to(molrt_batch* batch, const Record& record) const {
  if (!record.problem.empty()) {
    check(molrt_batch_add_smiles(batch, nullptr));
  } else if (is_sdf_) {
    check(molrt_batch_add_mol_block(batch, record.block.c_str()));
  } else {
    check(molrt_batch_add_smiles(batch, smiles(record).c_str()));
  }
}

std::string InputTable::smiles(const Record& record) const {
  return std::string(trim(record.fields[smiles_column_]));
}

std::optional<double> InputTable::number(const Record& record, size_t column) const {
  return parse_number(record.fields[column], decimal_comma_);
}

bool InputTable::smiles_is_named() const {
  return is_sdf_ || names_smiles(header()[smiles_column_]);
}

std::vector<size_t> InputTable::columns_named(const std::string& name) const {
  std::vector<size_t> columns;
  for (size_t i = 0; i < header().size(); ++i) {
    if (trim(header()[i]) == trim(name)) columns.push_back(i);
  }
  return columns;
}

size_t InputTable::column(const std::string& name) const {
  const auto found = columns_named(name);
  if (found.size() > 1) {
    fail(MOLRT_ERROR_INVALID_ARGUMENT,
         "{}: the columns {} and {} are both named '{}'; say which by its position, '#{}'",
         this->name(), found[0] + 1, found[1] + 1, name, found[1] + 1);
  }
  if (!found.empty()) return found[0];
  if (const auto index = position(name, header().size())) return *index;
  const auto near = nearest(name, header());
  fail(MOLRT_ERROR_INVALID_ARGUMENT, "{}: no column '{}'; the columns are {}{}", this->name(), name,
       quoted_list(header()), near.empty() ? "" : fmt::format("; did you mean '{}'?", near));
}

size_t InputTable::find_smiles(const std::string& column_name) const {
  return column_name.empty() ? guess_smiles() : column(column_name);
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
