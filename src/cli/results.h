#pragma once
// The shapes that results can take: the user's table with columns appended, a matrix, arrays.
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/spool_file.h"
#include "base/tensor.h"
#include "cli/output.h"

namespace molrt::cli {

// `wanted`, or if that is taken, with _2, or _3 ...
std::string free_name(const std::vector<std::string>& taken, const std::string& wanted);

// The user's columns and more behind them, by free names.
// csv with a decimal comma is separated by semicolons.
class ResultTable {
 public:
  ResultTable(Output& output, const std::string& format, bool decimal_comma,
              const std::vector<std::string>& header, const std::vector<std::string>& added);
  void add(std::vector<std::string> fields, const std::vector<std::string>& added);
  std::string number(float value) const;  // the shortest that reads back the same; empty for NaN
  void flush();                           // `output` then has every row
  void finish() { flush(); }

 private:
  Output& output_;
  bool decimal_comma_;
  char delimiter_;
  std::string text_;
};

// float32 [rows, columns] as .npy. Where the header cannot be written again, the rows wait in a
// temporary file until they are counted, unless their number is known.
class ResultMatrix {
 public:
  ResultMatrix(Output& output, uint64_t columns, std::optional<uint64_t> known_rows);
  void add(const float* values);
  void flush();
  void finish();

 private:
  Output& output_;
  uint64_t columns_, rows_ = 0;
  std::unique_ptr<SpoolFile> waiting_;
};

// Named arrays as a safetensors file; until all sizes are known each waits in a temporary file
// beside it.
class ResultArrays {
 public:
  explicit ResultArrays(std::string output_path);
  // All but the first dimension are `inner`.
  void declare(const std::string& name, Dtype dtype, std::vector<int64_t> inner = {});
  void add(const std::string& name, const float* values, size_t count);
  void add(const std::string& name, int64_t value);
  void flush() {}
  void write(Output& output);

 private:
  struct Array {
    Dtype dtype;
    std::vector<int64_t> inner;
    std::unique_ptr<SpoolFile> values;
  };
  std::string directory_;
  std::map<std::string, Array> arrays_;
};

}  // namespace molrt::cli
