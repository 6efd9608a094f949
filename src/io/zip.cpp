// By hand, because Debian 12's minizip (1.1) does not decode ZIP64's offsets on 64-bit machines,
// libzip hides where payloads lie, and both forgive what a hostile archive must not be forgiven.
#include "io/zip.h"

#include <algorithm>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/text.h"

namespace molrt {
namespace {

using Bytes = std::span<const std::byte>;

constexpr uint64_t most_entries = 1'000'000;
constexpr uint32_t saturated = 0xffffffff;  // the number stands in a ZIP64 field

template <typename T>
T load(Bytes bytes, size_t offset) {
  T value;
  std::memcpy(&value, bytes.subspan(offset, sizeof value).data(), sizeof value);
  return value;
}

bool begins_with(Bytes bytes, std::string_view signature) {
  return std::memcmp(bytes.data(), signature.data(), signature.size()) == 0;
}

// A record of the central directory.
struct Record {
  std::string name;
  uint16_t flags, method;
  uint64_t compressed_size, size, local_header;
  Bytes extra;
};

// Local header to end of payload.
struct Extent {
  uint64_t begin, end;
  std::string name;
};

class DirectoryReader {
 public:
  explicit DirectoryReader(ByteSource& source) : source_(source) {}

  ZipDirectory read() {
    const End end = read_end();
    if (end.entries > most_entries) broken("the directory has too many entries");
    Bytes rest = source_.read(end.offset, end.size, "zip directory");
    for (uint64_t i = 0; i < end.entries; ++i) add(next_record(rest));
    if (!rest.empty()) broken("the directory is longer than its entries");
    check_extents(end.offset);
    return std::move(directory_);
  }

 private:
  struct End {
    uint64_t entries, size, offset;  // size and offset of the directory
  };

  [[noreturn]] void broken(const std::string& how) {
    fail(MOLRT_ERROR_FORMAT, "{}: zip archive: {}", source_.name(), how);
  }

  [[noreturn]] void broken(const std::string& entry, const char* how) {
    broken("entry " + in_quotes(entry) + " " + how);
  }

  // ---- the end records; PyTorch writes no archive comment behind them
  End read_end() {
    constexpr uint64_t end_size = 22, locator_size = 20;
    const uint64_t size = source_.size();
    const uint64_t position = size - std::min(size, end_size);
    const Bytes end = source_.read(position, size - position, "zip end record");
    if (end.size() < end_size || !begins_with(end, "PK\5\6")) {
      broken("no directory at the end of the file, which was probably cut off");
    }
    End found{load<uint16_t>(end, 10), load<uint32_t>(end, 12), load<uint32_t>(end, 16)};
    uint64_t directory_end = position;
    if (position >= locator_size) {
      const Bytes locator = source_.read(position - locator_size, locator_size, "zip locator");
      if (begins_with(locator, "PK\6\7")) {
        directory_end = load<uint64_t>(locator, 8);
        found = read_end64(directory_end);
      }
    }
    if (found.offset > directory_end || found.size != directory_end - found.offset) {
      broken("the directory does not end where its end record begins");
    }
    return found;
  }

  End read_end64(uint64_t position) {
    constexpr uint64_t end64_size = 56;
    const Bytes end = source_.read(position, end64_size, "ZIP64 end record");
    if (!begins_with(end, "PK\6\6")) broken("no ZIP64 end record where its locator says");
    return {load<uint64_t>(end, 32), load<uint64_t>(end, 40), load<uint64_t>(end, 48)};
  }

  // ---- the directory
  Bytes take(Bytes& rest, size_t size) {
    if (rest.size() < size) broken("the directory is cut off");
    const Bytes taken = rest.first(size);
    rest = rest.subspan(size);
    return taken;
  }

  Record next_record(Bytes& rest) {
    constexpr size_t fixed_size = 46;
    const Bytes fixed = take(rest, fixed_size);
    if (!begins_with(fixed, "PK\1\2")) broken("a broken record in the directory");
    const Bytes name = take(rest, load<uint16_t>(fixed, 28));
    Record record;
    record.name.assign(reinterpret_cast<const char*>(name.data()), name.size());
    record.flags = load<uint16_t>(fixed, 8);
    record.method = load<uint16_t>(fixed, 10);
    record.compressed_size = load<uint32_t>(fixed, 20);
    record.size = load<uint32_t>(fixed, 24);
    record.local_header = load<uint32_t>(fixed, 42);
    record.extra = take(rest, load<uint16_t>(fixed, 30));
    take(rest, load<uint16_t>(fixed, 32));  // its comment
    widen(record);
    return record;
  }

  // Takes the saturated numbers from the ZIP64 extra field.
  void widen(Record& record) {
    constexpr uint16_t zip64 = 1;
    for (Bytes rest = record.extra; rest.size() >= 4;) {
      const Bytes header = take(rest, 4);
      Bytes field = take(rest, load<uint16_t>(header, 2));
      if (load<uint16_t>(header, 0) != zip64) continue;
      for (uint64_t* number : {&record.size, &record.compressed_size, &record.local_header}) {
        if (*number == saturated) *number = load<uint64_t>(take(field, sizeof *number), 0);
      }
    }
  }

  void add(const Record& record) {
    check_name(record.name);
    check_stored(record);
    const uint64_t payload = payload_offset(record);
    if (payload > source_.size() || record.size > source_.size() - payload) {
      broken(record.name, "reaches beyond the end of the file");
    }
    if (!directory_.emplace(record.name, ZipEntry{payload, record.size}).second) {
      broken(record.name, "is there twice");
    }
    extents_.push_back({record.local_header, payload + record.size, record.name});
  }

  void check_name(const std::string& name) {
    const bool absolute = name.starts_with('/') || name.find('\\') != std::string::npos;
    const bool escaping = ("/" + name + "/").find("/../") != std::string::npos;
    if (name.empty() || absolute || escaping || name.find('\0') != std::string::npos) {
      broken(name, "lies outside of the archive's folder");
    }
  }

  void check_stored(const Record& record) {
    constexpr uint16_t encrypted = 1, strongly_encrypted = 1 << 6, masked = 1 << 13;
    if (record.flags & (encrypted | strongly_encrypted | masked)) {
      fail(MOLRT_ERROR_UNSUPPORTED, "{}: entry {} is encrypted", source_.name(),
           in_quotes(record.name));
    }
    if (record.method != 0) {
      fail(MOLRT_ERROR_UNSUPPORTED,
           "{}: entry {} is compressed; expected stored entries, as torch.save writes them",
           source_.name(), in_quotes(record.name));
    }
    if (record.compressed_size != record.size) broken(record.name, "has two different sizes");
  }

  // Behind the local header's own name and extra field, whose lengths may differ from the
  // directory's.
  uint64_t payload_offset(const Record& record) {
    constexpr uint64_t fixed_size = 30;
    const Bytes fixed = source_.read(record.local_header, fixed_size, "zip local header");
    if (!begins_with(fixed, "PK\3\4")) broken(record.name, "has no local header");
    const uint64_t name = load<uint16_t>(fixed, 26), extra = load<uint16_t>(fixed, 28);
    return record.local_header + fixed_size + name + extra;
  }

  void check_extents(uint64_t directory_begin) {
    std::sort(extents_.begin(), extents_.end(),
              [](const Extent& a, const Extent& b) { return a.begin < b.begin; });
    uint64_t end = 0;
    for (const Extent& extent : extents_) {
      if (extent.begin < end) broken(extent.name, "overlaps another entry");
      if (extent.end > directory_begin) broken(extent.name, "overlaps the directory");
      end = extent.end;
    }
  }

  ByteSource& source_;
  ZipDirectory directory_;
  std::vector<Extent> extents_;
};

}  // namespace

ZipDirectory read_zip_directory(ByteSource& source) { return DirectoryReader(source).read(); }

}  // namespace molrt
