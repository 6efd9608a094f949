#pragma once
// Where results go, and the shapes they can take there: the user's table with columns appended, or
// a matrix.
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/file.h"
#include "cli/options.h"

namespace molrt::cli {

// A file written whole or not at all, or standard output. Made before the work begins, so that what
// cannot be written is found out first.
class Output {
 public:
  explicit Output(const std::string& path);  // "-": standard output

  bool is_stdout() const { return !file_; }
  bool can_seek() const { return file_ && file_->can_seek(); }
  void write(const void* data, size_t size);
  void seek(uint64_t offset);
  void commit();  // nothing is in place before
  AtomicFile& file() { return *file_; }

 private:
  std::optional<AtomicFile> file_;
};

// The format asked for, or by the extension; "csv" without one. INVALID_ARGUMENT if not in
// `formats` (separated by blanks), or if it needs a file and there is none.
std::string output_format(const OutputOptions& options, const std::string& formats);

// Fails if no model can be written to `path`, which the library will do later.
void check_model_output(const std::string& path);

// The user's columns and more behind them. A name already taken gets _2, or _3 ...
class ResultTable {
 public:
  ResultTable(Output& output, const std::string& format, const std::vector<std::string>& header,
              const std::vector<std::string>& added);
  void add(std::vector<std::string> fields, const std::vector<std::string>& added);
  void finish() { flush(); }

 private:
  void flush();

  Output& output_;
  char delimiter_;
  std::string text_;
};

// float32 [rows, columns] as .npy. The rows are counted as they come.
class ResultMatrix {
 public:
  ResultMatrix(Output& output, uint64_t columns);
  void add(const float* values);
  void finish();

 private:
  Output& output_;
  uint64_t columns_, rows_ = 0;
  std::vector<float> held_;  // what cannot be written before the rows are counted: a pipe's
};

std::string number_text(float value);  // the shortest that reads back the same; empty for NaN

}  // namespace molrt::cli
