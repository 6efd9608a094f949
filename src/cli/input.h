#pragma once
// The user's molecules: their rows, the column of the SMILES, numbers in cells.
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/options.h"
#include "io/byte_stream.h"
#include "io/records.h"
#include "molrt.h"

namespace molrt::cli {

class InputTable {
 public:
  // A regular file is read through once first: what is broken beyond its rows is found before any
  // work, and the number of rows is known. So is a pipe of SDF, from a temporary file, as the
  // columns are the properties of all its records.
  explicit InputTable(const InputOptions& options);

  const std::string& name() const { return reader_->name(); }
  const std::vector<std::string>& header() const { return reader_->header(); }
  std::optional<uint64_t> rows() const { return rows_; }  // nullopt: a pipe
  bool next(Record& record);
  RecordCounts counts() const { return reader_->counts(); }  // of the rows read so far
  // CRC-32 of the rows read so far.
  uint32_t crc() const { return crc_; }

  bool is_sdf() const { return is_sdf_; }
  // The molecule as a row of `batch`; an empty one for a record with a problem.
  void add_to(molrt_batch* batch, const Record& record) const;
  std::string smiles(const Record& record) const;  // without blanks around it; of SDF, the title
  // The number in a cell, in C's notation or with a decimal comma, as the options say; NaN for a
  // missing value (an empty cell, NaN, NA, N/A); nullopt for anything else, infinities included.
  std::optional<double> number(const Record& record, size_t column) const;

  // By name, or by position as "#2". INVALID_ARGUMENT naming the columns there are, or both
  // positions of a name that is there twice.
  size_t column(const std::string& name) const;
  std::vector<size_t> columns_named(const std::string& name) const;
  // A cell of this column that is no number and not empty is a problem of its record from now on.
  void require_numbers(size_t column) { number_columns_.push_back(column); }
  bool smiles_is_named() const;  // the column's name says what it holds

 private:
  using Open = std::function<std::unique_ptr<RecordReader>()>;

  void count_rows(const Open& open);
  void check_numbers(Record& record) const;
  size_t find_smiles(const std::string& column_name) const;
  size_t guess_smiles() const;

  bool is_sdf_ = false, decimal_comma_ = false;
  std::optional<uint64_t> rows_;
  std::unique_ptr<RecordReader> reader_;
  size_t smiles_column_ = 0;
  std::vector<size_t> number_columns_;
  uint64_t rows_read_ = 0;
  uint32_t crc_ = 0;
};

std::optional<double> parse_number(const std::string& cell, bool decimal_comma = false);

}  // namespace molrt::cli
