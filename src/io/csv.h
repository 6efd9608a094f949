#pragma once
// Tables of text, in and out (RFC 4180). Fields come out byte for byte as they went in: blanks are
// kept, numbers are not touched, quotes are undone on reading and put back where they are needed on
// writing.
#include <csv.h>

#include <cstdint>
#include <cstdio>
#include <deque>
#include <memory>
#include <string>
#include <vector>

namespace molrt {

struct CsvRecord {
  std::vector<std::string> fields;  // as many as the header has
  uint64_t row = 0;                 // from 1, the header not counted
  uint64_t line = 0;                // from 1, where the record begins in the file
};

// Reads record by record in bounded memory. The first record is the header. UTF-8 with or without a
// byte order mark, any line ends, quoted fields with delimiters and line breaks in them.
// A record with too few fields is filled up with empty ones. A blank line is skipped, except in a
// table of one column, where a blank line between two records is a record with an empty field.
// FORMAT errors name the file and the line: too many fields, broken quotes, bytes that are not
// text, a table whose columns something other than the delimiter separates.
class CsvReader {
 public:
  explicit CsvReader(const std::string& path, char delimiter = ',');  // "-": standard input
  CsvReader(const CsvReader&) = delete;
  CsvReader& operator=(const CsvReader&) = delete;

  const std::string& name() const { return name_; }  // the path, or "standard input"
  const std::vector<std::string>& header() const { return header_; }
  bool next(CsvRecord& record);                              // false at the end
  uint64_t short_records() const { return short_records_; }  // with fewer fields than the header

 private:
  struct Parser {
    ~Parser();
    csv_parser state{};
  };
  static void on_field(void* text, size_t size, void* self);
  static void on_record(int terminator, void* self);
  void end_record();
  void check_delimiter() const;
  void check_fields(const CsvRecord& record) const;
  bool fill();                     // reads one block; false at the end
  size_t read_block(char* block);  // 0 at the end
  void parse(char* text, size_t size);
  size_t check_encoding(const char* text, size_t size);  // the size of the byte order mark

  std::string name_;
  std::unique_ptr<FILE, int (*)(FILE*)> file_;
  Parser parser_;
  std::vector<std::string> header_;  // empty until it was read
  std::deque<CsvRecord> ready_;
  std::vector<std::string> fields_;  // of the record being read
  uint64_t line_ = 1;                // where that record begins
  uint64_t lines_inside_ = 0;        // line breaks in its fields so far
  uint64_t blank_lines_ = 0;         // since the last record; of a table of one column
  uint64_t row_ = 0;                 // records handed out
  uint64_t short_records_ = 0;       // of those
  bool after_carriage_return_ = false;
  bool begun_ = false;
  bool finished_ = false;
};

// Appends one record and "\n". A field is quoted only where it must be.
void append_csv_record(std::string& out, const std::vector<std::string>& fields,
                       char delimiter = ',');

}  // namespace molrt
