#pragma once
// A result that takes hours to write: PATH.partial, which outlives the process and is renamed to
// PATH when all is there. One process at a time writes it.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/file.h"

namespace molrt {

// IO errors name the path and errno's text.
class PartialFile {
 public:
  // Opens or makes PATH.partial; IO error if another process is writing it.
  explicit PartialFile(const WriteTarget& target);
  ~PartialFile();  // what is not in place stays in PATH.partial, unless it is nothing
  PartialFile(const PartialFile&) = delete;
  PartialFile& operator=(const PartialFile&) = delete;

  const std::string& path() const { return path_; }  // PATH.partial
  uint64_t bytes() const { return bytes_; }          // written, the head included
  uint32_t crc() const { return crc_; }              // CRC-32 of them without the head
  bool is_empty() const;                             // nothing is in the file yet

  void restart();  // empties it
  // Goes on behind the first `bytes`, whose CRC without the first `head` ones is `crc`: of
  // PATH.partial, or of PATH, which then becomes PATH.partial again. False if neither holds them.
  bool resume(uint64_t bytes, uint64_t head, uint32_t crc);
  void write(const void* data, size_t size);  // at the end
  // The first bytes, which may be written again, in the same size, whenever they have changed.
  void set_head(std::string_view head);
  void sync();               // everything written so far is on the disk
  void cut(uint64_t bytes);  // forgets what was written behind; crc() then holds no longer
  void publish();            // renames it to PATH
  void remove();

 private:
  void open_locked();
  bool take_back(uint64_t bytes, uint64_t head, uint32_t crc);
  void flush();
  void put(const char* data, size_t size, uint64_t offset);

  std::string target_, path_;
  int fd_ = -1;
  std::string buffer_;  // not yet in the file: its last bytes
  uint64_t bytes_ = 0;
  uint32_t crc_ = 0;
};

}  // namespace molrt
