#pragma once
// Makes PyTorch archives, good and bad ones, for the tests of their reader.
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/file.h"

namespace molrt::test {

std::string little_endian(uint64_t value, int bytes);

// Pickled values: each text is the opcodes that push one value, so that texts compose as values do.
namespace pickled {
std::string text(std::string_view value);
std::string integer(int64_t value);
std::string global(std::string_view module, std::string_view name);
std::string tuple(const std::vector<std::string>& items);
std::string list(const std::vector<std::string>& items);
std::string integers(const std::vector<int64_t>& values);
std::string dict(const std::vector<std::pair<std::string, std::string>>& items);  // text keys
std::string ordered_dict(
    const std::vector<std::pair<std::string, std::string>>& items);  // text keys
std::string reduce(const std::string& callable, const std::string& arguments);
std::string storage(std::string_view storage_class, std::string_view key, int64_t count);
std::string tensor(const std::string& storage, int64_t offset, const std::vector<int64_t>& shape,
                   const std::vector<int64_t>& strides);
std::string file(const std::string& value);  // protocol 2 ... STOP
}  // namespace pickled

struct ZipPart {
  std::string name, payload;
  uint64_t hole = 0;  // zero bytes after the payload
  uint16_t flags = 0, method = 0;
  int64_t moved = 0;  // what the directory says of the local header, minus the truth
};

// Writes local headers without sizes, as PyTorch does; ZIP64 where numbers need it.
void write_zip(std::ostream& out, const std::vector<ZipPart>& parts);
std::string zip(const std::vector<ZipPart>& parts);

// An archive of data.pkl and storages "0", "1" ...
std::string archive(const std::string& value, const std::vector<std::string>& storages);

std::string floats(const std::vector<float>& values);  // their bytes
std::shared_ptr<ByteSource> source(std::string_view bytes);

}  // namespace molrt::test
