#pragma once
// Tables of text, in and out (RFC 4180). Fields come out byte for byte as they went in: blanks are
// kept, numbers are not touched, quotes are undone on reading and put back where they are needed on
// writing.
#include <string>
#include <string_view>
#include <vector>

#include "io/lines.h"
#include "io/records.h"

namespace molrt {

// Takes one record's text apart, line by line. By hand: libcsv stops for good at the first broken
// quote, and nothing packaged goes on with the line behind it.
class FieldSplitter {
 public:
  explicit FieldSplitter(char delimiter) : delimiter_(delimiter) {}

  void feed(std::string_view text);  // a line, or the line end inside of a field
  bool is_open() const { return state_ == State::quoted; }    // the next line belongs to the field
  bool is_broken() const { return state_ == State::broken; }  // text behind a closing quote
  std::vector<std::string> finish();

 private:
  enum class State { start, plain, quoted, closed, broken };
  void end_field();
  size_t feed_plain(std::string_view text, size_t at);
  size_t feed_quoted(std::string_view text, size_t at);

  char delimiter_;
  State state_ = State::start;
  std::string field_;
  std::vector<std::string> fields_;
};

// The first record is the header. Quoted fields may hold delimiters and line breaks; a quote inside
// of a field that does not begin with one is a character.
// A record with too few fields is filled up with empty ones; empty fields too many are dropped. A
// blank line is skipped, except in a table of one column, where a blank line between two records is
// a record with an empty field.
// A record with too many fields, or with broken quotes, has a `problem` and as much of its first
// line as the columns take; reading goes on with the line behind that one.
class CsvReader : public RecordReader {
 public:
  // Delimiter 0: comma, semicolon or tab, by the first two records.
  explicit CsvReader(ByteStreamPtr text, char delimiter = 0);

  const std::string& name() const override { return lines_.name(); }
  const std::vector<std::string>& header() const override { return header_; }
  bool next(Record& record) override;
  RecordCounts counts() const override;
  char delimiter() const { return delimiter_; }

 private:
  struct Parsed {
    std::vector<Line> lines;
    std::vector<std::string> fields;
    std::string problem;
  };
  bool read(Parsed& parsed);
  bool read_filled(Parsed& parsed);
  bool read_row(Parsed& parsed);
  void check_row(Parsed& parsed);
  void end_at_first_line(Parsed& parsed, const char* problem);
  void count(const Record& record);
  char find_delimiter();

  LineReader lines_;
  char delimiter_;
  std::vector<std::string> header_;
  uint64_t blank_lines_ = 0, first_blank_line_ = 0;  // still to be handed out as rows
  uint64_t row_ = 0;                                 // records handed out
  RecordCounts counts_;
};

// Appends one record and "\n". A field is quoted only where it must be.
void append_csv_record(std::string& out, const std::vector<std::string>& fields,
                       char delimiter = ',');

}  // namespace molrt
