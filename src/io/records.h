#pragma once
// Records in: what every kind of input file of molecules looks like to the rest.
#include <cstdint>
#include <string>
#include <vector>

namespace molrt {

struct Record {
  std::vector<std::string> fields;  // as many as the header has
  uint64_t row = 0;                 // from 1, the header not counted
  uint64_t line = 0;                // from 1, where the record begins in the file
  std::string problem;              // why its fields cannot be trusted; empty: nothing
  std::string block;                // an SDF record's MOL block
};

struct RecordCounts {
  uint64_t short_records = 0, first_short_line = 0;  // with fewer fields than the header
  uint64_t bad_records = 0;                          // with a problem
  uint64_t not_utf8_line = 0;                        // the first line that is not; 0: none
};

// Reads record by record in bounded memory. FORMAT errors name the file and the line.
class RecordReader {
 public:
  virtual ~RecordReader() = default;
  virtual const std::string& name() const = 0;  // the path, or "standard input"
  virtual const std::vector<std::string>& header() const = 0;
  virtual bool next(Record& record) = 0;    // false at the end
  virtual RecordCounts counts() const = 0;  // of the records read so far
};

}  // namespace molrt
