#include "base/file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <vector>

#include "base/error.h"

namespace molrt {
namespace {

namespace fs = std::filesystem;

struct Descriptor {
  int fd;
  ~Descriptor() { close(fd); }
};

// Size of a regular file that is not empty: mmap knows nothing else.
uint64_t mappable_size(int fd, const std::string& path) {
  struct stat status;
  if (fstat(fd, &status) != 0) fail_io("read", path, errno);
  if (S_ISDIR(status.st_mode))
    fail(MOLRT_ERROR_IO, "{}: a directory; expected a file, such as one of its model_*.pth", path);
  if (!S_ISREG(status.st_mode)) {
    fail(MOLRT_ERROR_IO, "{}: cannot read: expected a regular file", path);
  }
  if (status.st_size == 0) fail(MOLRT_ERROR_IO, "{}: the file is empty", path);
  return static_cast<uint64_t>(status.st_size);
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

std::shared_ptr<ByteSource> ByteSource::map_file(const std::string& path) {
  // O_NONBLOCK: a FIFO is refused below instead of waited for.
  const Descriptor file{open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  if (file.fd < 0) fail_io("read", path, errno);
  const uint64_t size = mappable_size(file.fd, path);
  void* data = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.fd, 0);
  if (data == MAP_FAILED) fail_io("map", path, errno);
  auto source = std::make_shared<ByteSource>();
  source->owner_ = std::shared_ptr<const void>(
      data, [size](const void* mapped) { munmap(const_cast<void*>(mapped), size); });
  source->name_ = path;
  source->is_file_ = true;
  source->data_ = static_cast<const std::byte*>(data);
  source->size_ = size;
  return source;
}

std::shared_ptr<ByteSource> ByteSource::copy_memory(std::span<const std::byte> bytes,
                                                    std::string name) {
  auto copy = std::make_shared<const std::vector<std::byte>>(bytes.begin(), bytes.end());
  auto source = std::make_shared<ByteSource>();
  source->name_ = std::move(name);
  source->data_ = copy->data();
  source->size_ = copy->size();
  source->owner_ = std::move(copy);
  return source;
}

std::span<const std::byte> ByteSource::read(uint64_t offset, uint64_t length, const char* what) {
  if (offset > size_ || length > size_ - offset) {
    fail(MOLRT_ERROR_FORMAT,
         "{}: {}: expected {} bytes from byte {} on, but the file ends at {} (truncated?)", name_,
         what, length, offset, size_);
  }
  bytes_read_ += length;
  return {data_ + offset, length};
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

}  // namespace molrt
