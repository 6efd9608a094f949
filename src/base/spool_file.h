#pragma once
// Bytes that are too many for memory and must be read again: a file without a name.
#include <cstdint>
#include <string>

namespace molrt {

class SpoolFile {
 public:
  // In the directory for temporary files ($TMPDIR, else /tmp) or in `directory`. It has no name and
  // is gone with the object, or with the process.
  explicit SpoolFile(const std::string& directory = "");
  ~SpoolFile();
  SpoolFile(const SpoolFile&) = delete;
  SpoolFile& operator=(const SpoolFile&) = delete;

  uint64_t size() const { return size_ + buffer_.size(); }
  void write(const void* data, size_t size);                       // at the end
  void flush();                                                    // before read_at
  size_t read_at(uint64_t offset, char* data, size_t size) const;  // fewer at the end

 private:
  std::string directory_;
  int fd_;
  std::string buffer_;
  uint64_t size_ = 0;  // without the buffer
};

}  // namespace molrt
