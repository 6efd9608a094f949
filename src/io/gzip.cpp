#include <zlib.h>

#include <array>
#include <cstring>
#include <new>

#include "base/error.h"
#include "io/byte_stream.h"

namespace molrt {
namespace {

constexpr std::string_view magic = "\x1F\x8B";
constexpr size_t block_size = 1 << 16;

class GzipStream : public ByteStream {
 public:
  explicit GzipStream(ByteStreamPtr packed)
      : ByteStream(packed->name()), packed_(std::move(packed)) {
    constexpr int gzip_header = 16;  // and none of zlib's
    if (inflateInit2(&state_, MAX_WBITS + gzip_header) != Z_OK) throw std::bad_alloc();
  }
  ~GzipStream() override { inflateEnd(&state_); }

  size_t read(char* data, size_t size) override {
    state_.next_out = reinterpret_cast<Bytef*>(data);
    state_.avail_out = static_cast<uInt>(size);
    while (state_.avail_out == size && !finished_) {
      if (state_.avail_in == 0 && !refill()) end_of_file();
      if (!finished_) inflate_some();
    }
    const size_t got = size - state_.avail_out;
    unpacked_ += got;
    return got;
  }

 private:
  bool refill() {
    const size_t got = packed_->read(block_.data(), block_.size());
    read_ += got;
    state_.next_in = reinterpret_cast<Bytef*>(block_.data());
    state_.avail_in = static_cast<uInt>(got);
    return got > 0;
  }

  void end_of_file() {
    if (!between_members_) broken("ends in the middle: it is truncated");
    finished_ = true;
  }

  void inflate_some() {
    if (between_members_ && *state_.next_in == 0) {  // padding, as tape blocks have
      ++state_.next_in;
      --state_.avail_in;
      return;
    }
    between_members_ = false;
    const int result = inflate(&state_, Z_NO_FLUSH);
    if (result == Z_MEM_ERROR) throw std::bad_alloc();
    if (result == Z_STREAM_END) {
      between_members_ = true;
      inflateReset(&state_);
    } else if (result != Z_OK && result != Z_BUF_ERROR) {
      broken(fmt::format("is broken: {}", state_.msg ? state_.msg : "not gzip"));
    }
  }

  [[noreturn]] void broken(const std::string& how) {
    fail(MOLRT_ERROR_FORMAT, "{}: the gzip data {} (at byte {}, after {} bytes of text)", name(),
         how, read_ - state_.avail_in, unpacked_);
  }

  ByteStreamPtr packed_;
  z_stream state_{};
  std::array<char, block_size> block_;
  uint64_t read_ = 0, unpacked_ = 0;
  bool between_members_ = false, finished_ = false;
};

}  // namespace

ByteStreamPtr unpack_gzip(ByteStreamPtr packed) {
  auto peeked = std::make_unique<PeekStream>(std::move(packed));
  if (peeked->peek(magic.size()) != magic) return peeked;
  return std::make_unique<GzipStream>(std::move(peeked));
}

}  // namespace molrt
