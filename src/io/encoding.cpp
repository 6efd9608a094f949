#include <iconv.h>

#include <cerrno>
#include <cstring>

#include "base/error.h"
#include "base/text.h"
#include "io/byte_stream.h"

namespace molrt {
namespace {

constexpr size_t block_size = 1 << 16;

class DecodingStream : public ByteStream {
 public:
  DecodingStream(ByteStreamPtr bytes, std::string encoding)
      : ByteStream(bytes->name()),
        bytes_(std::move(bytes)),
        encoding_(std::move(encoding)),
        state_(iconv_open("UTF-8", encoding_.c_str())) {
    if (state_ != unknown()) return;
    fail(MOLRT_ERROR_INVALID_ARGUMENT,
         "--encoding {}: not known here; known are for example utf-8, utf-16, iso-8859-1, cp1252, "
         "shift_jis, gb18030 (iconv -l lists them all)",
         in_quotes(encoding_));
  }
  ~DecodingStream() override {
    if (state_ != unknown()) iconv_close(state_);
  }

  size_t read(char* data, size_t size) override {
    while (true) {
      const size_t got = convert(data, size);
      if (got > 0 || finished_) return got;
      refill();
    }
  }

 private:
  static iconv_t unknown() { return reinterpret_cast<iconv_t>(-1); }

  size_t convert(char* data, size_t size) {
    char* in = waiting_.data();
    size_t in_left = waiting_.size(), out_left = size;
    const size_t result = iconv(state_, &in, &in_left, &data, &out_left);
    const int error = result == static_cast<size_t>(-1) ? errno : 0;
    decoded_ += waiting_.size() - in_left;
    waiting_.erase(0, waiting_.size() - in_left);
    if (error == EILSEQ) {
      if (out_left < size) return size - out_left;  // what is good first
      fail(MOLRT_ERROR_FORMAT, "{}: is no {} text: byte {} cannot be decoded", name(), encoding_,
           decoded_ + 1);
    }
    return size - out_left;
  }

  void refill() {
    const size_t before = waiting_.size();
    waiting_.resize(before + block_size);
    const size_t got = bytes_->read(waiting_.data() + before, block_size);
    waiting_.resize(before + got);
    finished_ = got == 0;
    if (finished_ && before > 0) {
      fail(MOLRT_ERROR_FORMAT, "{}: ends in the middle of a character of {}", name(), encoding_);
    }
  }

  ByteStreamPtr bytes_;
  std::string encoding_;
  iconv_t state_;
  std::string waiting_;  // read and not yet decoded
  uint64_t decoded_ = 0;
  bool finished_ = false;
};

const char* encoding_of_mark(std::string_view start) {
  using namespace std::string_view_literals;
  // UTF-32's mark begins as UTF-16's does.
  if (start.starts_with("\xFF\xFE\0\0"sv) || start.starts_with("\0\0\xFE\xFF"sv)) return "UTF-32";
  if (start.starts_with("\xFF\xFE"sv) || start.starts_with("\xFE\xFF"sv)) return "UTF-16";
  return nullptr;
}

}  // namespace

ByteStreamPtr decode_text(ByteStreamPtr bytes, const std::string& encoding) {
  if (!encoding.empty()) return std::make_unique<DecodingStream>(std::move(bytes), encoding);
  auto peeked = std::make_unique<PeekStream>(std::move(bytes));
  const char* marked = encoding_of_mark(peeked->peek(4));
  if (!marked) return peeked;
  return std::make_unique<DecodingStream>(std::move(peeked), marked);
}

}  // namespace molrt
