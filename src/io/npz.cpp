#include "io/npz.h"

#include <minizip/unzip.h>
#include <zlib.h>

#include <cerrno>
#include <cstring>
#include <regex>

#include "base/error.h"
#include "base/tensor.h"
#include "base/text.h"

namespace molrt {
namespace {

using Zip = std::unique_ptr<void, int (*)(unzFile)>;

// minizip's codes for no memory.
void check_memory(int status) {
  if (status == UNZ_INTERNALERROR || status == Z_MEM_ERROR) throw std::bad_alloc();
}

Zip open_zip(const std::string& path) {
  std::unique_ptr<FILE, int (*)(FILE*)> readable(std::fopen(path.c_str(), "rb"), std::fclose);
  if (!readable) fail(MOLRT_ERROR_IO, "{}: cannot open it: {}", path, std::strerror(errno));
  Zip zip(unzOpen64(path.c_str()), unzClose);
  if (!zip)
    fail(MOLRT_ERROR_FORMAT, "{}: expected a NumPy archive (.npz), found no zip file", path);
  return zip;
}

// What a dtype such as "<f4" says.
struct NumpyType {
  char kind = 0;
  size_t size = 0;  // bytes; of texts characters
};

template <typename T>
float number(const char* bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof value);
  return static_cast<float>(value);
}

float half(const char* bytes) {
  uint16_t bits;
  std::memcpy(&bits, bytes, sizeof bits);
  return f16_to_f32(bits);
}

using Read = float (*)(const char*);

constexpr uint32_t longest_header = 4096;  // bytes; NumPy's have about a hundred

Read reader(NumpyType dtype) {
  if (dtype.size > 8) return nullptr;
  switch (dtype.kind * 16 + static_cast<int>(dtype.size)) {
    case 'b' * 16 + 1:
    case 'u' * 16 + 1:
      return number<uint8_t>;
    case 'u' * 16 + 2:
      return number<uint16_t>;
    case 'u' * 16 + 4:
      return number<uint32_t>;
    case 'u' * 16 + 8:
      return number<uint64_t>;
    case 'i' * 16 + 1:
      return number<int8_t>;
    case 'i' * 16 + 2:
      return number<int16_t>;
    case 'i' * 16 + 4:
      return number<int32_t>;
    case 'i' * 16 + 8:
      return number<int64_t>;
    case 'f' * 16 + 2:
      return half;
    case 'f' * 16 + 4:
      return number<float>;
    case 'f' * 16 + 8:
      return number<double>;
    default:
      return nullptr;
  }
}

void append_utf8(uint32_t c, std::string& text) {
  if (c < 0x80) {
    text += static_cast<char>(c);
  } else if (c < 0x800) {
    text += {static_cast<char>(0xc0 | c >> 6), static_cast<char>(0x80 | (c & 0x3f))};
  } else if (c < 0x10000) {
    text += {static_cast<char>(0xe0 | c >> 12), static_cast<char>(0x80 | (c >> 6 & 0x3f)),
             static_cast<char>(0x80 | (c & 0x3f))};
  } else {
    text += '?';
  }
}

}  // namespace

struct NpzArray::File {
  std::string path, name;
  Zip zip{nullptr, unzClose};
  std::vector<int64_t> shape;
  NumpyType dtype;
  Read read = nullptr;
  std::vector<char> bytes;

  [[noreturn]] void fail_format(const std::string& what) const {
    fail(MOLRT_ERROR_FORMAT, "{}: array '{}': {}", path, name, what);
  }

  void take(size_t size) {
    bytes.resize(size);
    for (size_t done = 0; done < size;) {
      const auto piece = static_cast<unsigned>(std::min<size_t>(size - done, 1 << 20));
      const int got = unzReadCurrentFile(zip.get(), bytes.data() + done, piece);
      check_memory(got);
      if (got < 0) fail_format("the archive is damaged here");
      if (got == 0) fail_format("it ends before its shape says");
      done += static_cast<size_t>(got);
    }
  }

  void read_header() {
    take(10);
    if (std::memcmp(bytes.data(), "\x93NUMPY", 6) != 0) fail_format("expected NumPy's format");
    uint32_t length = static_cast<uint8_t>(bytes[8]) | static_cast<uint8_t>(bytes[9]) << 8;
    if (bytes[6] >= 2) {
      take(2);
      length |= static_cast<uint32_t>(static_cast<uint8_t>(bytes[0])) << 16;
    }
    if (length > longest_header) fail_format("its header is too long");
    take(length);
    parse({bytes.begin(), bytes.end()});
  }

  void parse(const std::string& header) {
    std::smatch match;
    if (std::regex_search(header, match, std::regex("'fortran_order': True")))
      fail_format("it is in Fortran's order; save np.ascontiguousarray() of it");
    if (!std::regex_search(header, match, std::regex("'descr': '([<>|=])([a-zA-Z])([0-9]{1,6})'")))
      fail_format("expected numbers or texts, found " + printable(header));
    dtype = {match[2].str()[0], static_cast<size_t>(std::stoul(match[3]))};
    if (match[1] == ">") fail_format("its numbers are big-endian");
    read = reader(dtype);
    if (!read && dtype.kind != 'U' && dtype.kind != 'S')
      fail_format("expected numbers or texts, found dtype " + match[0].str());
    if (!std::regex_search(header, match, std::regex("'shape': \\(([0-9, ]*)\\)")))
      fail_format("its header has no shape");
    const std::string list = match[1];
    const std::regex digits("[0-9]{1,18}");
    for (std::sregex_iterator i(list.begin(), list.end(), digits), end; i != end; ++i)
      shape.push_back(std::stoll(i->str()));
  }
};

NpzArray::NpzArray(const std::string& path, const std::string& name)
    : file_(std::make_unique<File>()) {
  file_->path = path;
  file_->name = name;
  file_->zip = open_zip(path);
  if (unzLocateFile(file_->zip.get(), (name + ".npy").c_str(), 1) != UNZ_OK)
    fail(MOLRT_ERROR_FORMAT, "{}: array '{}' is missing", path, name);
  const int status = unzOpenCurrentFile(file_->zip.get());
  check_memory(status);
  if (status != UNZ_OK) file_->fail_format("it cannot be unpacked");
  file_->read_header();
}

NpzArray::~NpzArray() = default;
NpzArray::NpzArray(NpzArray&&) noexcept = default;

const std::vector<int64_t>& NpzArray::shape() const { return file_->shape; }
bool NpzArray::is_text() const { return file_->read == nullptr; }

void NpzArray::read(size_t count, std::vector<float>& numbers) {
  if (is_text()) file_->fail_format("expected numbers, found texts");
  const size_t size = file_->dtype.size;
  file_->take(count * size);
  numbers.resize(count);
  for (size_t i = 0; i < count; ++i) numbers[i] = file_->read(file_->bytes.data() + i * size);
}

std::string NpzArray::read_text() {
  if (!is_text()) file_->fail_format("expected texts, found numbers");
  const bool wide = file_->dtype.kind == 'U';
  file_->take(file_->dtype.size * (wide ? 4 : 1));
  std::string text;
  if (!wide) {
    text.assign(file_->bytes.begin(), file_->bytes.end());
    return text.substr(0, text.find('\0'));
  }
  for (size_t i = 0; i < file_->dtype.size; ++i) {
    uint32_t c;
    std::memcpy(&c, file_->bytes.data() + 4 * i, 4);
    if (c == 0) break;
    append_utf8(c, text);
  }
  return text;
}

void NpzArray::close() {
  if (unzCloseCurrentFile(file_->zip.get()) == UNZ_CRCERROR)
    file_->fail_format("it is damaged: the archive's checksum is another");
}

std::vector<std::string> npz_names(const std::string& path) {
  const Zip zip = open_zip(path);
  std::vector<std::string> names;
  for (int status = unzGoToFirstFile(zip.get()); status == UNZ_OK;
       status = unzGoToNextFile(zip.get())) {
    char name[1024] = {};  // ends with a NUL, however long the archive's is
    unzGetCurrentFileInfo64(zip.get(), nullptr, name, sizeof name - 1, nullptr, 0, nullptr, 0);
    std::string text = name;
    if (text.ends_with(".npy")) names.push_back(text.substr(0, text.size() - 4));
  }
  return names;
}

}  // namespace molrt
