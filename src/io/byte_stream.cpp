#include "io/byte_stream.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/error.h"

namespace molrt {
namespace {

class DescriptorStream : public ByteStream {
 public:
  DescriptorStream(int fd, bool owned, std::string name)
      : ByteStream(std::move(name)), fd_(fd), owned_(owned) {}
  ~DescriptorStream() override {
    if (owned_) close(fd_);
  }

  size_t read(char* data, size_t size) override {
    const ssize_t got = ::read(fd_, data, size);  // EINTR too: a signal is to stop the run
    if (got < 0) fail(MOLRT_ERROR_IO, "{}: cannot be read: {}", name(), std::strerror(errno));
    return static_cast<size_t>(got);
  }

 private:
  int fd_;
  bool owned_;
};

class MemoryStream : public ByteStream {
 public:
  MemoryStream(std::string_view bytes, std::string name)
      : ByteStream(std::move(name)), left_(bytes) {}

  size_t read(char* data, size_t size) override {
    const size_t got = left_.copy(data, size);
    left_.remove_prefix(got);
    return got;
  }

 private:
  std::string_view left_;
};

class SpoolStream : public ByteStream {
 public:
  SpoolStream(std::shared_ptr<const SpoolFile> spool, std::string name)
      : ByteStream(std::move(name)), spool_(std::move(spool)) {}

  size_t read(char* data, size_t size) override {
    const size_t got = spool_->read_at(position_, data, size);
    position_ += got;
    return got;
  }

 private:
  std::shared_ptr<const SpoolFile> spool_;
  uint64_t position_ = 0;
};

}  // namespace

ByteStreamPtr open_bytes(const std::string& path) {
  if (path == "-") {
    return std::make_unique<DescriptorStream>(STDIN_FILENO, false, "standard input");
  }
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) fail(MOLRT_ERROR_IO, "{}: cannot be opened: {}", path, std::strerror(errno));
  auto stream = std::make_unique<DescriptorStream>(fd, true, path);
  struct stat status;
  if (fstat(fd, &status) == 0 && S_ISDIR(status.st_mode)) {
    fail(MOLRT_ERROR_IO, "{}: a directory; expected a file of molecules", path);
  }
  return stream;
}

ByteStreamPtr memory_bytes(std::string_view bytes, std::string name) {
  return std::make_unique<MemoryStream>(bytes, std::move(name));
}

ByteStreamPtr spooled_bytes(std::shared_ptr<const SpoolFile> spool, std::string name) {
  return std::make_unique<SpoolStream>(std::move(spool), std::move(name));
}

PeekStream::PeekStream(ByteStreamPtr inner) : ByteStream(inner->name()), inner_(std::move(inner)) {}

std::string_view PeekStream::peek(size_t size) {
  while (head_.size() < size && read_ahead()) {
  }
  return std::string_view(head_).substr(0, size);
}

std::string_view PeekStream::peek_lines(size_t lines, size_t most) {
  const auto ended = [&] { return std::count(head_.begin(), head_.end(), '\n'); };
  while (static_cast<size_t>(ended()) < lines && head_.size() < most && read_ahead()) {
  }
  return head_;
}

// All that there is: what is peeked again through another stream must not be cut short.
bool PeekStream::read_ahead() {
  constexpr size_t block_size = 1 << 12;
  const size_t before = head_.size();
  head_.resize(before + block_size);
  head_.resize(before + inner_->read(head_.data() + before, block_size));
  return head_.size() > before;
}

size_t PeekStream::read(char* data, size_t size) {
  if (head_.empty()) return inner_->read(data, size);
  const size_t got = head_.copy(data, size);
  head_.erase(0, got);
  return got;
}

}  // namespace molrt
