#pragma once
// Files in and out: mapped reading that counts what is touched, writing by a temporary name.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <span>
#include <string>

namespace molrt {

// The bytes of a weight file: mapped, or a copy of the caller's memory. Readers ask for ranges, and
// the ranges are counted, so a test can see that nothing else was read. Not thread-safe.
class ByteSource {
 public:
  // IO error if there is no regular file, or an empty one.
  static std::shared_ptr<ByteSource> map_file(const std::string& path);
  static std::shared_ptr<ByteSource> copy_memory(std::span<const std::byte> bytes,
                                                 std::string name);

  const std::string& name() const { return name_; }  // the path, or "memory"
  uint64_t size() const { return size_; }
  bool is_file() const { return is_file_; }  // else memory
  uint64_t bytes_read() const { return bytes_read_; }

  // [offset, offset + length), FORMAT error naming `what` if that leaves the file. Counted.
  std::span<const std::byte> read(uint64_t offset, uint64_t length, const char* what);
  std::shared_ptr<const void> owner() const { return owner_; }  // keeps the bytes alive

 private:
  std::string name_;
  const std::byte* data_ = nullptr;
  uint64_t size_ = 0;
  uint64_t bytes_read_ = 0;
  bool is_file_ = false;
  std::shared_ptr<const void> owner_;
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

}  // namespace molrt
