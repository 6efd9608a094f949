#include "io/lines.h"

#include <cstring>
#include <iterator>

#include "base/error.h"
#include "base/text.h"

namespace molrt {
namespace {

constexpr size_t block_size = 1 << 16;
constexpr size_t longest_line = 1 << 26;
constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

}  // namespace

bool LineReader::next(Line& line) {
  if (!put_back_.empty()) {
    line = std::move(put_back_.front());
    put_back_.pop_front();
    return true;
  }
  size_t end = find_end();
  // A CR at the buffer's end may be half of a CRLF.
  while (!finished_ &&
         (end == buffer_.size() || (buffer_[end] == '\r' && end + 1 == buffer_.size()))) {
    fill();
    end = find_end();
  }
  if (begin_ == buffer_.size()) return false;
  take(end - begin_, line);
  return true;
}

void LineReader::put_back(std::vector<Line> lines) {
  put_back_.insert(put_back_.begin(), std::make_move_iterator(lines.begin()),
                   std::make_move_iterator(lines.end()));
}

size_t LineReader::find_end() {
  if (newline_ < begin_ || newline_ == buffer_.size() || buffer_[newline_] != '\n') {
    const auto found = buffer_.find('\n', std::max(begin_, newline_));
    newline_ = found == std::string::npos ? buffer_.size() : found;
  }
  const char* start = buffer_.data() + begin_;
  const auto* ret = static_cast<const char*>(std::memchr(start, '\r', newline_ - begin_));
  return ret ? static_cast<size_t>(ret - buffer_.data()) : newline_;
}

bool LineReader::fill() {
  if (buffer_.size() - begin_ > longest_line) {
    fail(MOLRT_ERROR_FORMAT, "{}: line {} is longer than {} bytes: it is no table of text", name(),
         number_ + 1, longest_line);
  }
  newline_ = newline_ > begin_ ? newline_ - begin_ : 0;
  buffer_.erase(0, begin_);
  begin_ = 0;
  const size_t before = buffer_.size();
  buffer_.resize(before + block_size);
  const size_t got = bytes_->read(buffer_.data() + before, block_size);
  buffer_.resize(before + got);
  finished_ = got == 0;
  if (std::memchr(buffer_.data() + before, 0, got)) {
    fail(MOLRT_ERROR_FORMAT, "{}: holds a zero byte after line {}: it is no table of text", name(),
         number_);
  }
  return !finished_;
}

void LineReader::take(size_t length, Line& line) {
  line.text.assign(buffer_, begin_, length);
  begin_ += length;
  line.end = buffer_.compare(begin_, 2, "\r\n") == 0 ? "\r\n" : buffer_.substr(begin_, 1);
  begin_ += line.end.size();
  line.number = ++number_;
  if (number_ == 1 && line.text.starts_with(byte_order_mark)) line.text.erase(0, 3);
  if (not_utf8_line_ == 0 && !is_utf8(line.text)) not_utf8_line_ = number_;
}

}  // namespace molrt
