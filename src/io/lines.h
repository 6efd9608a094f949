#pragma once
// A text's lines, whatever ends them: LF, CRLF or CR, also mixed.
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "io/byte_stream.h"

namespace molrt {

struct Line {
  std::string text, end;  // `end` is empty only behind the last line
  uint64_t number = 0;    // from 1
};

// Drops UTF-8's byte order mark. FORMAT errors: a zero byte, a line longer than any table has.
class LineReader {
 public:
  explicit LineReader(ByteStreamPtr bytes) : bytes_(std::move(bytes)) {}

  const std::string& name() const { return bytes_->name(); }
  bool next(Line& line);                                     // false at the end
  void put_back(std::vector<Line> lines);                    // to be read next
  uint64_t not_utf8_line() const { return not_utf8_line_; }  // the first such line; 0: none so far

 private:
  size_t find_end();
  bool fill();
  void take(size_t length, Line& line);

  ByteStreamPtr bytes_;
  std::string buffer_;
  size_t begin_ = 0;    // of what was not handed out
  size_t newline_ = 0;  // the first '\n' from begin_ on, if it is not before; else the buffer's end
  bool finished_ = false;
  uint64_t number_ = 0, not_utf8_line_ = 0;
  std::deque<Line> put_back_;
};

}  // namespace molrt
