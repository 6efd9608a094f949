#pragma once
// The user's table: its rows in windows, the column of the SMILES, numbers in cells.
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "cli/options.h"
#include "io/csv.h"

namespace molrt::cli {

class InputTable {
 public:
  // A regular file is read through once first: broken rows are found before any work, and the
  // number of rows is known.
  explicit InputTable(const InputOptions& options);

  const std::string& name() const { return reader_.name(); }
  const std::vector<std::string>& header() const { return reader_.header(); }
  std::optional<uint64_t> rows() const { return rows_; }  // nullopt: a pipe
  bool next(CsvRecord& record) { return reader_.next(record); }

  uint64_t short_rows() const { return reader_.short_records(); }  // of those read so far

  std::string smiles(const CsvRecord& record) const;  // without blanks around it
  size_t column(const std::string& name) const;  // INVALID_ARGUMENT naming the columns there are
  std::optional<size_t> find(const std::string& name) const;
  bool smiles_is_named() const;  // the column's name says what it holds

 private:
  size_t guess_smiles() const;

  std::optional<uint64_t> rows_;
  CsvReader reader_;
  size_t smiles_column_;
};

std::string trimmed(const std::string& text);
// The number in a cell, in C's notation; NaN for a missing value (an empty cell, NaN, NA, N/A);
// nullopt for anything else, infinities included.
std::optional<double> parse_number(const std::string& cell);

}  // namespace molrt::cli
