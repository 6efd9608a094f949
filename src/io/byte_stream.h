#pragma once
// Bytes of an input, one after the other: a file, a pipe, memory; and what unpacks and decodes
// them.
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "base/spool_file.h"

namespace molrt {

class ByteStream {
 public:
  explicit ByteStream(std::string name) : name_(std::move(name)) {}
  virtual ~ByteStream() = default;
  ByteStream(const ByteStream&) = delete;
  ByteStream& operator=(const ByteStream&) = delete;

  const std::string& name() const { return name_; }  // for messages
  // What there is, at most `size` bytes: waits for a first one only. 0 at the end.
  virtual size_t read(char* data, size_t size) = 0;

 private:
  std::string name_;
};

using ByteStreamPtr = std::unique_ptr<ByteStream>;

ByteStreamPtr open_bytes(const std::string& path);  // "-": standard input
ByteStreamPtr memory_bytes(std::string_view bytes, std::string name = "memory");  // a view
ByteStreamPtr spooled_bytes(std::shared_ptr<const SpoolFile> spool, std::string name);

// What begins as gzip does is unpacked, whatever its name; several members are one text.
// FORMAT errors tell how far it could be read.
ByteStreamPtr unpack_gzip(ByteStreamPtr packed);

// To UTF-8, from the encoding named (as iconv knows it), or by the byte order mark of UTF-16 and
// UTF-32; bytes without either stay as they are. INVALID_ARGUMENT for a name that iconv does not
// know, FORMAT for bytes that are not of that encoding.
ByteStreamPtr decode_text(ByteStreamPtr bytes, const std::string& encoding);

// A stream whose first bytes can be looked at before they are read.
class PeekStream : public ByteStream {
 public:
  explicit PeekStream(ByteStreamPtr inner);
  std::string_view peek(size_t size);  // fewer only at the end
  // The first `lines` lines at least, if they end within the first `most` bytes or some more; fewer
  // only at the end.
  std::string_view peek_lines(size_t lines, size_t most);
  size_t read(char* data, size_t size) override;

 private:
  bool read_ahead();

  ByteStreamPtr inner_;
  std::string head_;  // read ahead
};

}  // namespace molrt
