#pragma once
// Files in and out: reading that counts what is asked for, writing by a temporary name.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/stored_bytes.h"

namespace molrt {

// The bytes of a weight file or a copy of the caller's memory. Readers ask for ranges, and the
// ranges are counted, so a test can see that nothing else was read. A file is read, not mapped: one
// that shrinks meanwhile is an error instead of a signal. Not thread-safe.
class ByteSource : public std::enable_shared_from_this<ByteSource> {
 public:
  // IO error if there is no regular file, or an empty one.
  static std::shared_ptr<ByteSource> open_file(const std::string& path);
  static std::shared_ptr<ByteSource> copy_memory(std::span<const std::byte> bytes,
                                                 std::string name);
  ~ByteSource();
  ByteSource(const ByteSource&) = delete;
  ByteSource& operator=(const ByteSource&) = delete;

  const std::string& name() const { return name_; }  // the path, or "memory"
  uint64_t size() const { return size_; }
  bool is_file() const { return file_ >= 0; }  // else memory
  uint64_t bytes_read() const { return bytes_read_; }

  // [offset, offset + length), FORMAT error naming `what` if that leaves the file, IO error if the
  // file shrank. Counted. For what describes the file: kept as long as the source.
  std::span<const std::byte> read(uint64_t offset, uint64_t length, const char* what);
  // The same for the file's contents: bytes that outlive the source, 64-byte aligned if it is a
  // file, which stays open for those that leave memory. Reading them again is not counted.
  std::shared_ptr<StoredBytes> take(uint64_t offset, uint64_t length, const char* what);
  void copy(uint64_t offset, std::span<std::byte> to, const char* what);
  // The same FORMAT error by the file's size alone; nothing is read or counted.
  void check_range(uint64_t offset, uint64_t length, const char* what) const;

 private:
  ByteSource() = default;
  void count(uint64_t offset, uint64_t length, const char* what);
  StoredBytes::Bytes load(uint64_t offset, uint64_t length) const;
  StoredBytes::Bytes load_again(uint64_t offset, uint64_t length) const;
  void fill(uint64_t offset, std::byte* to, uint64_t length) const;

  std::string name_;
  uint64_t size_ = 0;
  uint64_t bytes_read_ = 0;
  int file_ = -1;
  timespec changed_{};  // when the file was, as it was opened
  std::shared_ptr<const std::byte> memory_;
  // What read() loaded from the file; the last one ends at block_end_.
  std::vector<std::shared_ptr<const std::byte>> blocks_;
  uint64_t block_begin_ = 0, block_end_ = 0;
};

// Where writing to a path ends up.
struct WriteTarget {
  std::string path;  // its symbolic links followed
  bool exists = false;
  bool in_place = false;  // exists and is no regular file, or names an open descriptor
  unsigned mode = 0;      // its permissions, if it exists
};
// IO error where `path` cannot be written: a directory, not permitted, a loop of links.
WriteTarget find_write_target(const std::string& path);
[[noreturn]] void fail_io(const char* action, const std::string& path, int error);

// Writes a file whole or not at all. A path that exists and is not a regular file (a pipe,
// /dev/null) or names an open descriptor (/dev/stdout) is written in place, appending; every other
// goes to a temporary name beside it and is renamed by commit(). A symbolic link stays: what it
// leads to is replaced, and its permissions are kept. Destroyed without commit(), it removes the
// temporary file. IO errors name the path and errno's text.
class AtomicFile {
 public:
  explicit AtomicFile(const std::string& path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(const void* data, size_t size);
  bool can_seek() const { return !temporary_.empty(); }  // not where it is written in place
  void seek(uint64_t offset);  // IO error where the file is written in place
  void commit();               // flush, fsync, close, rename

 private:
  std::string path_;       // as the caller gave it, for messages
  std::string target_;     // where its symbolic links lead: what is replaced
  std::string temporary_;  // empty: in place
  FILE* file_ = nullptr;
};

// An AtomicFile of this text.
void write_whole(const std::string& path, std::string_view text);

}  // namespace molrt
