#include "io/zip.h"

#include "support/expect_error.h"
#include "unit/io/build_archive.h"

namespace molrt {
namespace {

using test::source;
using test::zip;

std::string payload(ByteSource& bytes, const ZipEntry& entry) {
  const auto found = bytes.read(entry.offset, entry.size, "payload");
  return {reinterpret_cast<const char*>(found.data()), found.size()};
}

TEST(Zip, FindsPayloadsBehindLocalHeaders) {
  const auto bytes = source(zip({{"a", "first"}, {"b/c", ""}, {"b/d", "third"}}));
  const ZipDirectory directory = read_zip_directory(*bytes);
  ASSERT_EQ(directory.size(), 3u);
  EXPECT_EQ(payload(*bytes, directory.at("a")), "first");
  EXPECT_EQ(payload(*bytes, directory.at("b/c")), "");
  EXPECT_EQ(payload(*bytes, directory.at("b/d")), "third");
}

TEST(Zip, ReadsAnEmptyArchive) { EXPECT_TRUE(read_zip_directory(*source(zip({}))).empty()); }

TEST(Zip, RefusesCompressedEntries) {
  EXPECT_ERROR(read_zip_directory(*source(zip({{.name = "a", .payload = "x", .method = 8}}))),
               MOLRT_ERROR_UNSUPPORTED, "\"a\" is compressed");
}

TEST(Zip, RefusesEncryptedEntries) {
  for (const uint16_t flags : {1, 1 << 6, 1 << 13}) {
    EXPECT_ERROR(read_zip_directory(*source(zip({{.name = "a", .payload = "x", .flags = flags}}))),
                 MOLRT_ERROR_UNSUPPORTED, "\"a\" is encrypted");
  }
}

TEST(Zip, RefusesDuplicates) {
  EXPECT_ERROR(read_zip_directory(*source(zip({{"a", "x"}, {"a", "y"}}))), MOLRT_ERROR_FORMAT,
               "\"a\" is there twice");
}

TEST(Zip, RefusesNamesThatEscape) {
  for (const char* name : {"../a", "a/../b", "a/..", "/a", "a\\b", ".."}) {
    EXPECT_ERROR(read_zip_directory(*source(zip({{name, "x"}}))), MOLRT_ERROR_FORMAT,
                 "outside of the archive");
  }
}

// Torch 2 pads local extra fields, so that payloads are aligned; the directory does not tell.
TEST(Zip, BelievesTheLocalHeadersOwnLengths) {
  std::string bytes = zip({{"a", "aaaa"}});
  bytes[28] = 2;  // of the payload, two bytes become the extra field
  bytes[bytes.find("PK\x01\x02") + 20] = bytes[bytes.find("PK\x01\x02") + 24] = 2;
  EXPECT_EQ(read_zip_directory(*source(bytes)).at("a").offset, 30u + 1 + 2);
}

TEST(Zip, RefusesDirectoriesThatLie) {
  const std::string good = zip({{"a", "aaaa"}, {"b", "bbbb"}});
  const size_t end = good.size() - 22, directory = good.find("PK\x01\x02");
  for (const size_t place :
       {end + 10, end + 12, end + 16, directory, directory + 28, directory + 30}) {
    for (const char change : {1, -1, 100}) {
      std::string bytes = good;
      bytes[place] += change;
      EXPECT_ERROR(read_zip_directory(*source(bytes)), MOLRT_ERROR_FORMAT, "zip archive");
    }
  }
}

// Two names, equally long, that share one local header: a bomb that multiplies its payload.
TEST(Zip, RefusesOverlaps) {
  const int64_t first = 30 + 1 + 4;  // header, name, payload
  std::string bytes = zip({{"a", "aaaa"}, {.name = "b", .payload = "bbbb", .moved = -first}});
  EXPECT_ERROR(read_zip_directory(*source(bytes)), MOLRT_ERROR_FORMAT, "overlaps another entry");
}

TEST(Zip, RefusesPayloadsThatLeaveTheArchive) {
  std::string bytes = zip({{"a", "aaaa"}});
  const size_t directory = bytes.find("PK\x01\x02");
  for (const char size : {'\x05', '\x7f'}) {  // into the directory; beyond the file
    bytes[directory + 20] = bytes[directory + 24] = size;
    EXPECT_ERROR(read_zip_directory(*source(bytes)), MOLRT_ERROR_FORMAT, "\"a\"");
  }
  bytes[directory + 20] = 3;
  EXPECT_ERROR(read_zip_directory(*source(bytes)), MOLRT_ERROR_FORMAT, "two different sizes");
}

TEST(Zip, RefusesALocalHeaderThatIsNone) {
  EXPECT_ERROR(read_zip_directory(*source(zip({{.name = "a", .payload = "aaaa", .moved = 3}}))),
               MOLRT_ERROR_FORMAT, "\"a\" has no local header");
}

TEST(Zip, SaysThatItWasCutOff) {
  const std::string bytes = zip({{"a", "aaaa"}, {"b", "bbbb"}});
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_THROW(read_zip_directory(*source(bytes.substr(0, size))), Error) << size;
  }
}

}  // namespace
}  // namespace molrt
