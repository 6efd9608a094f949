#include "base/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <new>
#include <system_error>

#include "base/error.h"

namespace molrt {
namespace {

namespace fs = std::filesystem;

// Of a regular file that is not empty.
struct stat readable_status(int fd, const std::string& path) {
  struct stat status;
  if (fstat(fd, &status) != 0) fail_io("read", path, errno);
  if (S_ISDIR(status.st_mode)) fail(MOLRT_ERROR_IO, "{}: a directory; expected a file", path);
  if (!S_ISREG(status.st_mode)) {
    fail(MOLRT_ERROR_IO, "{}: cannot read: expected a regular file", path);
  }
  if (status.st_size == 0) fail(MOLRT_ERROR_IO, "{}: the file is empty", path);
  return status;
}

constexpr std::align_val_t alignment{64};

std::shared_ptr<std::byte> allocate(uint64_t size) {
  auto* bytes = static_cast<std::byte*>(::operator new(std::max<uint64_t>(size, 1), alignment));
  return {bytes, [](std::byte* p) { ::operator delete(p, alignment); }};
}

// Names of open descriptors are links only the kernel can follow, and what they lead to
// (/dev/stdout to a redirected file, say) belongs to whoever opened it.
bool names_descriptor(const std::string& path) {
  return path == "/dev/stdout" || path == "/dev/stderr" || path.starts_with("/dev/fd/") ||
         path.starts_with("/proc/");
}

// The path that a chain of symbolic links ends in, which need not exist.
std::string follow_links(const std::string& path) {
  constexpr int most_links = 40;  // as Linux
  fs::path end = path;
  std::error_code error;
  for (int links = 0; !names_descriptor(end.string()) && fs::is_symlink(end, error); ++links) {
    if (links == most_links) fail_io("write", path, ELOOP);
    const fs::path next = fs::read_symlink(end, error);
    if (error) fail_io("write", path, error.value());
    end = end.parent_path() / next;
  }
  return end.string();
}

// A name that no other process or file object uses, hidden, in the directory of `target`.
std::string temporary_name(const fs::path& target) {
  static std::atomic<unsigned> counter{0};
  constexpr size_t most_characters = 200;  // file systems end at 255
  const std::string name = target.filename().string().substr(0, most_characters);
  const std::string hidden = fmt::format(".{}.tmp-{}-{}", name, getpid(), counter++);
  return (target.parent_path() / hidden).string();
}

FILE* open_stream(int fd, const std::string& path) {
  FILE* file = fd < 0 ? nullptr : fdopen(fd, "wb");
  if (file) return file;
  const int error = errno;
  if (fd >= 0) close(fd);
  fail_io("write", path, error);
}

// Creates a file that did not exist and stores its name; a name left by a crash is passed over.
int create_temporary(const std::string& target, std::string* name) {
  constexpr int tries = 100;
  int fd = -1;
  for (int i = 0; i < tries && fd < 0 && (i == 0 || errno == EEXIST); ++i) {
    *name = temporary_name(target);
    fd = open(name->c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  }
  return fd;
}

}  // namespace

void fail_io(const char* action, const std::string& path, int error) {
  fail(MOLRT_ERROR_IO, "{}: cannot {}: {}", path, action, std::generic_category().message(error));
}

WriteTarget find_write_target(const std::string& path) {
  WriteTarget target;
  if (path.empty()) fail(MOLRT_ERROR_INVALID_ARGUMENT, "the output has an empty name");
  target.path = follow_links(path);
  struct stat status;
  target.exists = stat(target.path.c_str(), &status) == 0;
  if (!target.exists && errno != ENOENT) fail_io("write", path, errno);
  if (!target.exists) return target;
  if (S_ISDIR(status.st_mode)) fail_io("write", path, EISDIR);
  // What the caller may not write, a rename must not replace.
  if (access(target.path.c_str(), W_OK) != 0) fail_io("write", path, errno);
  target.in_place = !S_ISREG(status.st_mode) || names_descriptor(target.path);
  target.mode = status.st_mode & 07777;
  return target;
}

std::shared_ptr<ByteSource> ByteSource::open_file(const std::string& path) {
  std::shared_ptr<ByteSource> source(new ByteSource);
  source->name_ = path;
  // O_NONBLOCK: a FIFO is refused below instead of waited for.
  source->file_ = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (source->file_ < 0) fail_io("read", path, errno);
  const struct stat status = readable_status(source->file_, path);
  source->size_ = static_cast<uint64_t>(status.st_size);
  source->changed_ = status.st_mtim;
  return source;
}

std::shared_ptr<ByteSource> ByteSource::copy_memory(std::span<const std::byte> bytes,
                                                    std::string name) {
  const auto copy = allocate(bytes.size());
  std::copy(bytes.begin(), bytes.end(), copy.get());
  std::shared_ptr<ByteSource> source(new ByteSource);
  source->name_ = std::move(name);
  source->size_ = bytes.size();
  source->memory_ = copy;
  return source;
}

ByteSource::~ByteSource() {
  if (file_ >= 0) close(file_);
}

void ByteSource::check_range(uint64_t offset, uint64_t length, const char* what) const {
  if (offset > size_ || length > size_ - offset) {
    fail(MOLRT_ERROR_FORMAT,
         "{}: {}: expected {} bytes from byte {} on, but the file ends at {} (truncated?)", name_,
         what, length, offset, size_);
  }
}

void ByteSource::count(uint64_t offset, uint64_t length, const char* what) {
  check_range(offset, length, what);
  bytes_read_ += length;
}

void ByteSource::fill(uint64_t offset, std::byte* to, uint64_t length) const {
  constexpr uint64_t most_at_once = 1 << 30;  // Linux reads less than 2 GB at once
  while (length > 0) {
    const ssize_t got =
        pread(file_, to, std::min(length, most_at_once), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail_io("read", name_, errno);
    if (got == 0)
      fail(MOLRT_ERROR_IO,
           "{}: the file shrank while it was read: it had {} bytes and now ends at {}", name_,
           size_, offset);
    to += got;
    offset += static_cast<uint64_t>(got);
    length -= static_cast<uint64_t>(got);
  }
}

StoredBytes::Bytes ByteSource::load(uint64_t offset, uint64_t length) const {
  auto bytes = allocate(length);
  fill(offset, bytes.get(), length);
  return bytes;
}

StoredBytes::Bytes ByteSource::load_again(uint64_t offset, uint64_t length) const {
  struct stat now;
  if (fstat(file_, &now) != 0) fail_io("read", name_, errno);
  const bool same = static_cast<uint64_t>(now.st_size) == size_ &&
                    now.st_mtim.tv_sec == changed_.tv_sec &&
                    now.st_mtim.tv_nsec == changed_.tv_nsec;
  if (!same)
    fail(MOLRT_ERROR_IO,
         "{}: the file was changed while the model that was opened from it was in use; open it "
         "again",
         name_);
  return load(offset, length);
}

// What is read from front to back in small pieces, such as a pickle, is loaded in growing blocks;
// what lies apart, such as an archive's headers, as it is.
std::span<const std::byte> ByteSource::read(uint64_t offset, uint64_t length, const char* what) {
  count(offset, length, what);
  if (memory_) return {memory_.get() + offset, length};
  if (offset < block_begin_ || offset + length > block_end_) {
    constexpr uint64_t smallest = 64, largest = 1 << 16;
    const bool onwards = offset > block_begin_ && offset <= block_end_;
    const uint64_t ahead =
        onwards ? std::clamp(2 * (block_end_ - block_begin_), smallest, largest) : 0;
    const uint64_t size = std::min(std::max(length, ahead), size_ - offset);
    blocks_.push_back(load(offset, size));
    block_begin_ = offset;
    block_end_ = offset + size;
  }
  return {blocks_.back().get() + (offset - block_begin_), length};
}

std::shared_ptr<StoredBytes> ByteSource::take(uint64_t offset, uint64_t length, const char* what) {
  count(offset, length, what);
  if (memory_)
    return std::make_shared<StoredBytes>(StoredBytes::Bytes{memory_, memory_.get() + offset});
  return std::make_shared<StoredBytes>(
      load(offset, length),
      [self = shared_from_this(), offset, length] { return self->load_again(offset, length); });
}

void ByteSource::copy(uint64_t offset, std::span<std::byte> to, const char* what) {
  count(offset, to.size(), what);
  if (memory_) {
    std::copy_n(memory_.get() + offset, to.size(), to.begin());
  } else {
    fill(offset, to.data(), to.size());
  }
}

AtomicFile::AtomicFile(const std::string& path) : path_(path) {
  const WriteTarget target = find_write_target(path);
  target_ = target.path;
  if (target.in_place) {
    file_ = open_stream(open(target_.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC), path_);
    return;
  }
  const int fd = create_temporary(target_, &temporary_);
  file_ = open_stream(fd, path_);
  if (target.exists) (void)fchmod(fd, target.mode);  // as well as the file system allows
}

AtomicFile::~AtomicFile() {
  if (file_) fclose(file_);
  if (!temporary_.empty()) unlink(temporary_.c_str());
}

void AtomicFile::write(const void* data, size_t size) {
  if (size > 0 && fwrite(data, 1, size, file_) != size) fail_io("write", path_, errno);
}

void AtomicFile::seek(uint64_t offset) {
  if (temporary_.empty()) fail_io("seek", path_, ESPIPE);
  if (fseeko(file_, static_cast<off_t>(offset), SEEK_SET) != 0) fail_io("seek", path_, errno);
}

void AtomicFile::commit() {
  if (fflush(file_) != 0) fail_io("write", path_, errno);
  if (!temporary_.empty() && fsync(fileno(file_)) != 0) fail_io("write", path_, errno);
  FILE* file = std::exchange(file_, nullptr);
  if (fclose(file) != 0) fail_io("write", path_, errno);
  if (temporary_.empty()) return;
  if (rename(temporary_.c_str(), target_.c_str()) != 0) fail_io("rename", path_, errno);
  temporary_.clear();
}

void write_whole(const std::string& path, std::string_view text) {
  AtomicFile file(path);
  file.write(text.data(), text.size());
  file.commit();
}

}  // namespace molrt
