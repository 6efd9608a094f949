#include "base/partial_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <utility>
#include <vector>

#include "base/error.h"

namespace molrt {
namespace {

constexpr size_t block_size = 1 << 16;

uint32_t add_to_crc(uint32_t crc, const char* data, size_t size) {
  return static_cast<uint32_t>(crc32_z(crc, reinterpret_cast<const Bytef*>(data), size));
}

bool same_file(int fd, const std::string& path) {
  struct stat opened, named;
  return fstat(fd, &opened) == 0 && stat(path.c_str(), &named) == 0 &&
         opened.st_ino == named.st_ino && opened.st_dev == named.st_dev;
}

bool holds(int fd, uint64_t bytes, uint64_t head, uint32_t expected) {
  std::vector<char> block(block_size);
  uint32_t crc = 0;
  while (head < bytes) {
    const auto size = std::min<uint64_t>(block.size(), bytes - head);
    const ssize_t got = pread(fd, block.data(), size, static_cast<off_t>(head));
    if (got <= 0) return false;
    crc = add_to_crc(crc, block.data(), static_cast<size_t>(got));
    head += static_cast<uint64_t>(got);
  }
  return crc == expected;
}

struct Closing {
  int fd;
  ~Closing() {
    if (fd >= 0) close(fd);
  }
};

// File systems without locks are written without one.
void lock_file(int fd, const std::string& path) {
  if (flock(fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) return;
  fail(MOLRT_ERROR_IO, "{}: another molrt is writing it; wait for it, or take another output",
       path);
}

}  // namespace

PartialFile::PartialFile(const WriteTarget& target)
    : target_(target.path), path_(target.path + ".partial") {
  open_locked();
  if (target.exists) (void)fchmod(fd_, target.mode);  // as well as the file system allows
}

PartialFile::~PartialFile() {
  if (fd_ < 0) return;
  if (is_empty() && same_file(fd_, path_)) remove();  // nobody else's: locked
  close(fd_);
}

bool PartialFile::is_empty() const {
  struct stat status;
  return fstat(fd_, &status) == 0 && status.st_size == 0;
}

void PartialFile::open_locked() {
  do {  // again if the one that had the lock has just renamed it
    Closing file{open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0666)};
    if (file.fd < 0) fail_io("write", path_, errno);
    lock_file(file.fd, path_);
    std::swap(fd_, file.fd);
  } while (!same_file(fd_, path_));
}

void PartialFile::restart() {
  if (ftruncate(fd_, 0) != 0) fail_io("write", path_, errno);
}

bool PartialFile::resume(uint64_t bytes, uint64_t head, uint32_t crc) {
  if (!holds(fd_, bytes, head, crc) && !take_back(bytes, head, crc)) return false;
  cut(bytes);
  crc_ = crc;
  return true;
}

// The rows that a stopped run has put in place.
bool PartialFile::take_back(uint64_t bytes, uint64_t head, uint32_t crc) {
  const int fd = open(target_.c_str(), O_RDWR | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return false;
  if (!holds(fd, bytes, head, crc)) {
    close(fd);
    return false;
  }
  const Closing after_renaming{std::exchange(fd_, fd)};  // till then its lock holds PATH.partial
  lock_file(fd_, target_);
  if (rename(target_.c_str(), path_.c_str()) != 0) fail_io("rename", target_, errno);
  return true;
}

void PartialFile::write(const void* data, size_t size) {
  const char* text = static_cast<const char*>(data);
  crc_ = add_to_crc(crc_, text, size);
  buffer_.append(text, size);
  bytes_ += size;
  if (buffer_.size() >= block_size) flush();
}

void PartialFile::set_head(std::string_view head) {
  put(head.data(), head.size(), 0);
  bytes_ = std::max<uint64_t>(bytes_, head.size());
}

void PartialFile::flush() {
  put(buffer_.data(), buffer_.size(), bytes_ - buffer_.size());
  buffer_.clear();
}

void PartialFile::put(const char* data, size_t size, uint64_t offset) {
  while (size > 0) {
    const ssize_t got = pwrite(fd_, data, size, static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail_io("write", path_, errno);
    data += got;
    size -= static_cast<size_t>(got);
    offset += static_cast<uint64_t>(got);
  }
}

void PartialFile::sync() {
  flush();
  if (fdatasync(fd_) != 0) fail_io("write", path_, errno);
}

void PartialFile::cut(uint64_t bytes) {
  buffer_.clear();
  bytes_ = bytes;
  if (ftruncate(fd_, static_cast<off_t>(bytes)) != 0) fail_io("write", path_, errno);
}

void PartialFile::publish() {
  flush();
  if (fsync(fd_) != 0) fail_io("write", path_, errno);
  if (rename(path_.c_str(), target_.c_str()) != 0) fail_io("rename", path_, errno);
}

void PartialFile::remove() { unlink(path_.c_str()); }

}  // namespace molrt
