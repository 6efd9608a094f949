// minizip reads the archive (end records, ZIP64, local headers); what a hostile one may not do is
// checked here.
#include "io/zip.h"

#include <minizip/unzip.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <vector>

#include "base/error.h"
#include "io/untrusted_text.h"

namespace molrt {
namespace {

constexpr uint64_t most_entries = 1'000'000;
constexpr uint64_t local_header_size = 30;  // without name and extra fields

// minizip's input: a position in a source. Never throws: reads are cut at the end of the source.
struct Stream {
  ByteSource& source;
  uint64_t position = 0;
};

uLong read_stream(voidpf, voidpf opened, void* buffer, uLong size) {
  auto& stream = *static_cast<Stream*>(opened);
  const uint64_t total = stream.source.size();
  const uint64_t left = total - std::min(stream.position, total);
  const auto bytes =
      stream.source.read(total - left, std::min<uint64_t>(size, left), "zip directory");
  std::copy(bytes.begin(), bytes.end(), static_cast<std::byte*>(buffer));
  stream.position += bytes.size();
  return bytes.size();
}

long seek_stream(voidpf, voidpf opened, ZPOS64_T offset, int origin) {
  auto& stream = *static_cast<Stream*>(opened);
  if (origin == ZLIB_FILEFUNC_SEEK_CUR) offset += stream.position;
  if (origin == ZLIB_FILEFUNC_SEEK_END) offset += stream.source.size();
  if (offset > stream.source.size()) return -1;
  stream.position = offset;
  return 0;
}

ZPOS64_T tell_stream(voidpf, voidpf opened) { return static_cast<Stream*>(opened)->position; }
voidpf open_stream(voidpf stream, const void*, int) { return stream; }
int close_stream(voidpf, voidpf) { return 0; }
int stream_error(voidpf, voidpf) { return 0; }

struct CloseZip {
  void operator()(void* zip) const { unzClose(zip); }
};
using ZipHandle = std::unique_ptr<void, CloseZip>;

ZipHandle open_zip(Stream& stream) {
  zlib_filefunc64_def functions{open_stream, read_stream,  nullptr,      tell_stream,
                                seek_stream, close_stream, stream_error, &stream};
  ZipHandle zip(unzOpen2_64(stream.source.name().c_str(), &functions));
  if (!zip) {
    fail(MOLRT_ERROR_FORMAT,
         "{}: a zip archive without its directory; the file was probably cut off",
         stream.source.name());
  }
  return zip;
}

struct Located {
  uint64_t begin, end;  // local header to end of payload
  std::string name;
};

class DirectoryReader {
 public:
  explicit DirectoryReader(ByteSource& source)
      : source_(source), stream_{source}, zip_(open_zip(stream_)) {}

  ZipDirectory read() {
    unz_global_info64 archive;
    expect(unzGetGlobalInfo64(zip_.get(), &archive), "the directory");
    if (archive.number_entry > most_entries) broken("the directory", "has too many entries");
    const uint64_t directory_begin = archive.number_entry > 0 ? first_record() : source_.size();
    for (uint64_t i = 0; i < archive.number_entry; ++i) {
      if (i > 0) expect(unzGoToNextFile(zip_.get()), "the directory");
      read_entry();
    }
    check_overlaps(directory_begin);
    return std::move(directory_);
  }

 private:
  [[noreturn]] void broken(const std::string& what, const char* how) {
    fail(MOLRT_ERROR_FORMAT, "{}: zip archive: {} {}", source_.name(), what, how);
  }

  void expect(int status, const std::string& what) {
    if (status != UNZ_OK) broken(what, "is broken or cut off");
  }

  uint64_t first_record() {
    expect(unzGoToFirstFile(zip_.get()), "the directory");
    return unzGetOffset64(zip_.get());
  }

  void read_entry() {
    unz_file_info64 info;
    expect(unzGetCurrentFileInfo64(zip_.get(), &info, name_.data(), name_.size(), nullptr, 0,
                                   nullptr, 0),
           "the directory");
    const std::string name(name_.data(), std::min<size_t>(info.size_filename, name_.size()));
    check_name(name);
    check_stored(name, info);
    const uint64_t offset = payload_offset(name);
    if (offset > source_.size() || info.uncompressed_size > source_.size() - offset) {
      broken(in_quotes(name), "reaches beyond the end of the file");
    }
    if (!directory_.emplace(name, ZipEntry{offset, info.uncompressed_size}).second) {
      broken(in_quotes(name), "is there twice");
    }
    located_.push_back(
        {offset - local_header_size - name.size(), offset + info.uncompressed_size, name});
  }

  void check_name(const std::string& name) {
    const bool absolute = name.starts_with('/') || name.find('\\') != std::string::npos;
    const bool escaping = ("/" + name + "/").find("/../") != std::string::npos;
    if (name.empty() || absolute || escaping || name.find('\0') != std::string::npos) {
      broken(in_quotes(name), "is no name of an entry below the archive's folder");
    }
  }

  void check_stored(const std::string& name, const unz_file_info64& info) {
    constexpr uLong encrypted = 1, strongly_encrypted = 1 << 6, masked = 1 << 13;
    if (info.flag & (encrypted | strongly_encrypted | masked)) {
      fail(MOLRT_ERROR_UNSUPPORTED, "{}: entry {} is encrypted", source_.name(), in_quotes(name));
    }
    if (info.compression_method != 0) {
      fail(MOLRT_ERROR_UNSUPPORTED,
           "{}: entry {} is compressed; expected stored entries, as torch.save writes them",
           source_.name(), in_quotes(name));
    }
    if (info.compressed_size != info.uncompressed_size)
      broken(in_quotes(name), "has two different sizes");
  }

  // Behind the local header's own name and extra fields.
  uint64_t payload_offset(const std::string& name) {
    constexpr int raw = 1;
    int method = 0, level = 0;
    expect(unzOpenCurrentFile2(zip_.get(), &method, &level, raw), in_quotes(name));
    const uint64_t offset = unzGetCurrentFileZStreamPos64(zip_.get());
    unzCloseCurrentFile(zip_.get());
    return offset;
  }

  void check_overlaps(uint64_t directory_begin) {
    std::sort(located_.begin(), located_.end(),
              [](const Located& a, const Located& b) { return a.begin < b.begin; });
    uint64_t end = 0;
    for (const Located& entry : located_) {
      if (entry.begin < end) broken(in_quotes(entry.name), "overlaps another entry");
      end = entry.end;
    }
    if (end > directory_begin) broken(in_quotes(located_.back().name), "overlaps the directory");
  }

  ByteSource& source_;
  Stream stream_;
  ZipHandle zip_;
  ZipDirectory directory_;
  std::vector<Located> located_;
  std::vector<char> name_ = std::vector<char>(UINT16_MAX);
};

}  // namespace

ZipDirectory read_zip_directory(ByteSource& source) { return DirectoryReader(source).read(); }

}  // namespace molrt
