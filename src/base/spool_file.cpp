#include "base/spool_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "base/error.h"

namespace molrt {
namespace {

[[noreturn]] void fail_spool(const std::string& directory, const char* action) {
  fail(MOLRT_ERROR_IO, "{}: cannot {} a temporary file there: {}", directory, action,
       std::strerror(errno));
}

std::string temporary_directory() {
  const char* named = std::getenv("TMPDIR");
  return named && *named ? named : "/tmp";
}

}  // namespace

SpoolFile::SpoolFile(const std::string& directory)
    : directory_(directory.empty() ? temporary_directory() : directory) {
  std::string name = directory_ + "/.molrt-XXXXXX";
  fd_ = mkostemp(name.data(), O_CLOEXEC);
  if (fd_ < 0) fail_spool(directory_, "make");
  unlink(name.c_str());
}

SpoolFile::~SpoolFile() { close(fd_); }

void SpoolFile::write(const void* data, size_t size) {
  constexpr size_t enough = 1 << 16;
  buffer_.append(static_cast<const char*>(data), size);
  if (buffer_.size() >= enough) flush();
}

void SpoolFile::flush() {
  for (size_t done = 0; done < buffer_.size();) {
    const ssize_t got = ::write(fd_, buffer_.data() + done, buffer_.size() - done);
    if (got < 0 && errno != EINTR) fail_spool(directory_, "write");
    if (got > 0) done += static_cast<size_t>(got);
  }
  size_ += buffer_.size();
  buffer_.clear();
}

size_t SpoolFile::read_at(uint64_t offset, char* data, size_t size) const {
  const ssize_t got = pread(fd_, data, size, static_cast<off_t>(offset));
  if (got < 0) fail_spool(directory_, "read");
  return static_cast<size_t>(got);
}

}  // namespace molrt
