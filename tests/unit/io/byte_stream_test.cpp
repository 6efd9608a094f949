#include "io/byte_stream.h"

#include <zlib.h>

#include <random>

#include "support/expect_error.h"

namespace molrt {
namespace {

using namespace std::string_view_literals;

std::string read_all(ByteStreamPtr stream, size_t block = 7) {
  std::string text, part(block, '\0');
  while (const size_t got = stream->read(part.data(), block)) text.append(part, 0, got);
  return text;
}

std::string gzip(std::string_view text) {
  z_stream state{};
  deflateInit2(&state, 6, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY);
  std::string packed(deflateBound(&state, text.size()), '\0');
  state.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  state.avail_in = text.size();
  state.next_out = reinterpret_cast<Bytef*>(packed.data());
  state.avail_out = packed.size();
  EXPECT_EQ(deflate(&state, Z_FINISH), Z_STREAM_END);
  packed.resize(state.total_out);
  deflateEnd(&state);
  return packed;
}

std::string unpacked(std::string_view bytes) { return read_all(unpack_gzip(memory_bytes(bytes))); }

std::string decoded(std::string_view bytes, const std::string& encoding = "") {
  return read_all(decode_text(memory_bytes(bytes), encoding));
}

std::string random_text(size_t size) {
  std::mt19937 random(1);
  std::string text(size, 0);
  for (char& c : text) c = static_cast<char>(random());
  return text;
}

TEST(PeekStreamTest, TakesNothingAway) {
  PeekStream stream(memory_bytes("abcdef"));
  EXPECT_EQ(stream.peek(2), "ab");
  EXPECT_EQ(stream.peek(4), "abcd");
  char text[8];
  EXPECT_EQ(stream.read(text, 3), 3u);
  EXPECT_EQ(stream.peek(9), "def");
}

class SlowStream : public ByteStream {
 public:
  explicit SlowStream(std::string text) : ByteStream("slow"), text_(std::move(text)) {}
  size_t read(char* data, size_t) override {
    return text_.copy(data, 1, at_ < text_.size() ? at_++ : at_);
  }

 private:
  std::string text_;
  size_t at_ = 0;
};

TEST(PeekStreamTest, WaitsForLines) {
  PeekStream stream(std::make_unique<SlowStream>("a\nb\nccc"));
  EXPECT_EQ(stream.peek_lines(1, 100), "a\n");
  EXPECT_EQ(stream.peek_lines(2, 3), "a\nb");
  EXPECT_EQ(stream.peek_lines(2, 100), "a\nb\n");
  EXPECT_EQ(stream.peek_lines(4, 100), "a\nb\nccc");
}

TEST(GzipTest, UnpacksByTheFirstBytes) {
  const std::string text = random_text(300000);
  EXPECT_EQ(unpacked(gzip(text)), text);
  EXPECT_EQ(unpacked(gzip("")), "");
  EXPECT_EQ(unpacked("no gzip"), "no gzip");
  EXPECT_EQ(unpacked("\x1F"), "\x1F");
}

TEST(GzipTest, SeveralMembersAreOneText) {
  const std::string text = random_text(70000);
  EXPECT_EQ(unpacked(gzip(text) + gzip("") + gzip("end")), text + "end");
  EXPECT_EQ(unpacked(gzip("a") + std::string(600, '\0')), "a");
}

TEST(GzipTest, SaysHowFarABrokenOneCanBeRead) {
  const std::string whole = gzip(random_text(100000));
  for (size_t size = 2; size < whole.size(); size += 991) {
    EXPECT_ERROR(unpacked(whole.substr(0, size)), MOLRT_ERROR_FORMAT,
                 "at byte " + std::to_string(size));
  }
  std::string broken = whole;
  broken[whole.size() - 6] ^= 1;  // the checksum
  EXPECT_ERROR(unpacked(broken), MOLRT_ERROR_FORMAT, "incorrect data check");
  EXPECT_ERROR(unpacked(whole + "garbage"), MOLRT_ERROR_FORMAT, "broken");
}

TEST(EncodingTest, ByTheByteOrderMark) {
  EXPECT_EQ(decoded("\xFF\xFE\x61\0\xE9\0\x3D\xD8\x00\xDE"sv), "a\xC3\xA9\xF0\x9F\x98\x80");
  EXPECT_EQ(decoded("\xFE\xFF\0\x61"sv), "a");
  EXPECT_EQ(decoded("\xFF\xFE\0\0\x61\0\0\0"sv), "a");
  EXPECT_EQ(decoded("\xE9\xFF plain"), "\xE9\xFF plain");
  EXPECT_EQ(decoded(""), "");
}

TEST(EncodingTest, ByName) {
  EXPECT_EQ(decoded("caf\xE9", "iso-8859-1"), "caf\xC3\xA9");
  EXPECT_EQ(decoded("\x80", "cp1252"), "\xE2\x82\xAC");
  const std::string latin(200000, '\xE9');
  EXPECT_EQ(decoded(latin, "latin1").size(), 2 * latin.size());
}

TEST(EncodingTest, RefusesWhatItCannotDecode) {
  EXPECT_ERROR(decoded("a", "klingon"), MOLRT_ERROR_INVALID_ARGUMENT, "cp1252");
  EXPECT_ERROR(decoded("ab\xFFz", "utf-8"), MOLRT_ERROR_FORMAT, "utf-8");
  EXPECT_ERROR(decoded("\xFF\xFE\x61"sv), MOLRT_ERROR_FORMAT, "UTF-16");
}

TEST(ByteStreamTest, NamesWhatCannotBeRead) {
  EXPECT_ERROR(open_bytes("/no/such/file"), MOLRT_ERROR_IO, "No such file");
  EXPECT_ERROR(open_bytes("/tmp"), MOLRT_ERROR_IO, "a directory");
}

}  // namespace
}  // namespace molrt
