#include "unit/io/build_archive.h"

#include <cstring>
#include <sstream>

namespace molrt::test {

std::string little_endian(uint64_t value, int bytes) {
  std::string text;
  for (int i = 0; i < bytes; ++i) text += static_cast<char>(value >> (8 * i));
  return text;
}

namespace pickled {

std::string text(std::string_view value) {
  return "X" + little_endian(value.size(), 4) + std::string(value);
}

std::string integer(int64_t value) {
  return "\x8a\x08" + little_endian(static_cast<uint64_t>(value), 8);
}

std::string global(std::string_view module, std::string_view name) {
  return "c" + std::string(module) + "\n" + std::string(name) + "\n";
}

static std::string joined(const std::vector<std::string>& items) {
  std::string all;
  for (const std::string& item : items) all += item;
  return all;
}

std::string tuple(const std::vector<std::string>& items) { return "(" + joined(items) + "t"; }
std::string list(const std::vector<std::string>& items) { return "](" + joined(items) + "e"; }

std::string integers(const std::vector<int64_t>& values) {
  std::vector<std::string> items;
  for (const int64_t value : values) items.push_back(integer(value));
  return tuple(items);
}

static std::string filled(const std::string& container,
                          const std::vector<std::pair<std::string, std::string>>& items) {
  std::string all = container + "(";
  for (const auto& [key, value] : items) all += text(key) + value;
  return all + "u";
}

std::string dict(const std::vector<std::pair<std::string, std::string>>& items) {
  return filled("}", items);
}

std::string ordered_dict(const std::vector<std::pair<std::string, std::string>>& items) {
  return filled(reduce(global("collections", "OrderedDict"), tuple({})), items);
}

std::string reduce(const std::string& callable, const std::string& arguments) {
  return callable + arguments + "R";
}

std::string storage(std::string_view storage_class, std::string_view key, int64_t count) {
  return tuple({text("storage"), global("torch", storage_class), text(key), text("cpu"),
                integer(count)}) +
         "Q";
}

std::string tensor(const std::string& storage, int64_t offset, const std::vector<int64_t>& shape,
                   const std::vector<int64_t>& strides) {
  const std::string hooks = reduce(global("collections", "OrderedDict"), tuple({}));
  return reduce(
      global("torch._utils", "_rebuild_tensor_v2"),
      tuple({storage, integer(offset), integers(shape), integers(strides), "\x89", hooks}));
}

std::string file(const std::string& value) { return "\x80\x02" + value + "."; }

}  // namespace pickled

namespace {

constexpr uint64_t limit32 = 0xffffffff;

std::string local_header(const ZipPart& part) {
  constexpr uint16_t sizes_in_directory = 1 << 3;
  return "PK\x03\x04" + std::string(2, '\0') + little_endian(part.flags | sizes_in_directory, 2) +
         little_endian(part.method, 2) + std::string(16, '\0') +
         little_endian(part.name.size(), 2) + std::string(2, '\0') + part.name;
}

std::string directory_entry(const ZipPart& part, uint64_t begin) {
  constexpr uint16_t sizes_in_directory = 1 << 3;
  const uint64_t size = part.payload.size() + part.hole;
  const bool wide = size >= limit32 || begin >= limit32;
  const std::string extra = wide ? "\x01" + std::string(1, '\0') + little_endian(24, 2) +
                                       little_endian(size, 8) + little_endian(size, 8) +
                                       little_endian(begin, 8)
                                 : "";
  const std::string size32 = little_endian(wide ? limit32 : size, 4);
  return "PK\x01\x02" + std::string(4, '\0') + little_endian(part.flags | sizes_in_directory, 2) +
         little_endian(part.method, 2) + std::string(8, '\0') + size32 + size32 +
         little_endian(part.name.size(), 2) + little_endian(extra.size(), 2) +
         std::string(10, '\0') + little_endian(wide ? limit32 : begin, 4) + part.name + extra;
}

std::string end_records(uint64_t count, uint64_t begin, uint64_t size) {
  const std::string counts = little_endian(count, 8) + little_endian(count, 8);
  const std::string end64 = "PK\x06\x06" + little_endian(44, 8) + little_endian(45, 2) +
                            little_endian(45, 2) + std::string(8, '\0') + counts +
                            little_endian(size, 8) + little_endian(begin, 8);
  const std::string locator =
      "PK\x06\x07" + std::string(4, '\0') + little_endian(begin + size, 8) + little_endian(1, 4);
  const bool wide = begin >= limit32;
  const std::string end = "PK\x05\x06" + std::string(4, '\0') + little_endian(count, 2) +
                          little_endian(count, 2) + little_endian(size, 4) +
                          little_endian(wide ? limit32 : begin, 4) + std::string(2, '\0');
  return (wide ? end64 + locator : "") + end;
}

}  // namespace

void write_zip(std::ostream& out, const std::vector<ZipPart>& parts) {
  std::string directory;
  uint64_t position = 0;
  for (const ZipPart& part : parts) {
    const std::string header = local_header(part);
    out.seekp(static_cast<std::streamoff>(position));
    out << header << part.payload;
    directory += directory_entry(part, position + static_cast<uint64_t>(part.moved));
    position += header.size() + part.payload.size() + part.hole;
  }
  out.seekp(static_cast<std::streamoff>(position));
  out << directory << end_records(parts.size(), position, directory.size());
}

std::string zip(const std::vector<ZipPart>& parts) {
  std::ostringstream out;
  write_zip(out, parts);
  return out.str();
}

std::string archive(const std::string& value, const std::vector<std::string>& storages) {
  std::vector<ZipPart> parts{{"archive/data.pkl", pickled::file(value)}};
  for (size_t i = 0; i < storages.size(); ++i) {
    parts.push_back({"archive/data/" + std::to_string(i), storages[i]});
  }
  parts.push_back({"archive/version", "3\n"});
  return zip(parts);
}

std::string floats(const std::vector<float>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)};
}

std::shared_ptr<ByteSource> source(std::string_view bytes) {
  return ByteSource::copy_memory(std::as_bytes(std::span(bytes)), "memory");
}

}  // namespace molrt::test
