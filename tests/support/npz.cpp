#include "support/npz.h"

#include <minizip/unzip.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <regex>
#include <stdexcept>

namespace molrt::test {
namespace {

std::string read_entry(unzFile zip) {
  unz_file_info64 info;
  unzGetCurrentFileInfo64(zip, &info, nullptr, 0, nullptr, 0, nullptr, 0);
  std::string bytes(info.uncompressed_size, '\0');
  if (unzOpenCurrentFile(zip) != UNZ_OK ||
      unzReadCurrentFile(zip, bytes.data(), static_cast<unsigned>(bytes.size())) !=
          static_cast<int>(bytes.size()))
    throw std::runtime_error("npz: cannot read an entry");
  unzCloseCurrentFile(zip);
  return bytes;
}

std::string utf8(const char* utf32, size_t length) {
  std::string text;
  for (size_t i = 0; i < length; ++i) {
    uint32_t c;
    std::memcpy(&c, utf32 + 4 * i, 4);
    if (c) text += static_cast<char>(c);  // the golden texts are ASCII
  }
  return text;
}

template <typename T>
void widen(const char* data, size_t count, Array& array) {
  for (size_t i = 0; i < count; ++i) {
    T value;
    std::memcpy(&value, data + i * sizeof(T), sizeof(T));
    array.numbers.push_back(static_cast<double>(value));
  }
}

Array parse_npy(const std::string& bytes) {
  uint16_t header_length;
  std::memcpy(&header_length, &bytes.at(8), 2);  // format 1.0
  const std::string header = bytes.substr(10, header_length);
  const char* data = bytes.data() + 10 + header_length;
  Array array;
  std::smatch match;
  std::regex_search(header, match, std::regex("'shape': \\(([^)]*)\\)"));
  const std::string shape = match[1];
  const std::regex number("[0-9]+");
  for (std::sregex_iterator i(shape.begin(), shape.end(), number), end; i != end; ++i)
    array.shape.push_back(std::stoll(i->str()));
  size_t count = 1;
  for (int64_t n : array.shape) count *= static_cast<size_t>(n);
  std::regex_search(header, match, std::regex("'descr': '([^']*)'"));
  const std::string dtype = match[1];
  if (dtype == "<f4")
    widen<float>(data, count, array);
  else if (dtype == "<f8")
    widen<double>(data, count, array);
  else if (dtype == "<i8")
    widen<int64_t>(data, count, array);
  else if (dtype == "<i4")
    widen<int32_t>(data, count, array);
  else if (dtype.starts_with("<U")) {
    const size_t length = std::stoul(dtype.substr(2));
    for (size_t i = 0; i < count; ++i) array.strings.push_back(utf8(data + 4 * length * i, length));
  } else
    throw std::runtime_error("npz: dtype " + dtype);
  return array;
}

}  // namespace

Npz load_npz(const std::string& path) {
  unzFile zip = unzOpen64(path.c_str());
  if (!zip) throw std::runtime_error("npz: cannot open " + path);
  Npz arrays;
  for (int ok = unzGoToFirstFile(zip); ok == UNZ_OK; ok = unzGoToNextFile(zip)) {
    char name[256];
    unzGetCurrentFileInfo64(zip, nullptr, name, sizeof name, nullptr, 0, nullptr, 0);
    std::string key = name;
    if (key.ends_with(".npy")) key.resize(key.size() - 4);
    arrays[key] = parse_npy(read_entry(zip));
  }
  unzClose(zip);
  return arrays;
}

std::string golden_path(const std::string& name) {
  return std::string(MOLRT_TEST_DATA) + "/" + name;
}

double relative_error(const std::vector<float>& a, const std::vector<float>& b) {
  if (a.size() != b.size()) throw std::runtime_error("relative_error: sizes differ");
  double difference = 0, largest = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    if (!std::isfinite(a[i])) return INFINITY;
    difference = std::max(difference, std::fabs(double{a[i]} - b[i]));
    largest = std::max(largest, std::fabs(double{b[i]}));
  }
  return largest > 0 ? difference / largest : difference;
}

}  // namespace molrt::test
