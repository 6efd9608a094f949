#include "base/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "support/expect_error.h"

namespace molrt {
namespace {

namespace fs = std::filesystem;

class FileTest : public testing::Test {
 protected:
  FileTest() {
    std::string name = (fs::temp_directory_path() / "molrt-file-XXXXXX").string();
    directory_ = mkdtemp(name.data());
  }
  ~FileTest() override { fs::remove_all(directory_); }

  std::string path(const std::string& name) const { return (directory_ / name).string(); }
  size_t files() const { return std::distance(fs::directory_iterator(directory_), {}); }

  static void put(const std::string& path, const std::string& text) { std::ofstream(path) << text; }
  static std::string get(const std::string& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
  }
  static void write(const std::string& path, const std::string& text) {
    AtomicFile file(path);
    file.write(text.data(), text.size());
    file.commit();
  }

  fs::path directory_;
};

std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

TEST_F(FileTest, ReadsAndCounts) {
  put(path("a"), "0123456789");
  const auto source = ByteSource::open_file(path("a"));
  EXPECT_EQ(source->name(), path("a"));
  EXPECT_EQ(source->size(), 10u);
  EXPECT_EQ(text_of(source->read(2, 3, "part")), "234");
  EXPECT_EQ(text_of(source->read(10, 0, "nothing")), "");
  EXPECT_EQ(source->bytes_read(), 3u);
  std::array<std::byte, 2> copied;
  source->copy(8, copied, "end");
  EXPECT_EQ(text_of(copied), "89");
  EXPECT_EQ(source->bytes_read(), 5u);
}

// Small pieces come from blocks, whose joints must not show; what was read before stays.
TEST_F(FileTest, ReadsTheSameHoweverItIsAsked) {
  std::string content;
  for (int i = 0; i < 50'000; ++i) content += std::to_string(i);
  put(path("a"), content);
  const auto source = ByteSource::open_file(path("a"));
  std::vector<std::pair<size_t, std::span<const std::byte>>> pieces;
  size_t offset = 0;
  for (size_t step = 0; offset + 5000 < content.size(); ++step) {
    const size_t length = step % 97 == 96 ? 5000 : 1 + step % 13;
    pieces.emplace_back(offset, source->read(offset, length, "piece"));
    offset = step % 31 == 30 ? offset / 2 + 3 * step : offset + length;
    if (step == 20'000) break;
  }
  for (const auto& [begin, bytes] : pieces)
    ASSERT_EQ(text_of(bytes), content.substr(begin, bytes.size())) << begin;
}

TEST_F(FileTest, TakenBytesOutliveTheSourceAndTheFile) {
  put(path("a"), "0123456789");
  auto source = ByteSource::open_file(path("a"));
  const auto bytes = source->take(2, 8, "all")->hold();
  EXPECT_EQ(reinterpret_cast<uintptr_t>(bytes.get()) % 64, 0u);
  source.reset();
  std::ofstream(path("a")) << "";
  EXPECT_EQ(text_of({bytes.get(), 8}), "23456789");
}

TEST_F(FileTest, DroppedBytesAreReadAgain) {
  put(path("a"), "0123456789");
  auto source = ByteSource::open_file(path("a"));
  const auto stored = source->take(2, 8, "all");
  EXPECT_EQ(source->bytes_read(), 8u);
  const std::weak_ptr<const std::byte> first = stored->hold();
  EXPECT_FALSE(first.expired());
  stored->drop();
  EXPECT_TRUE(first.expired());
  fs::remove(path("a"));  // the file stays open
  const auto again = stored->hold();
  EXPECT_EQ(text_of({again.get(), 8}), "23456789");
  EXPECT_EQ(stored->hold(), again);  // who holds them at once shares them
  EXPECT_EQ(source->bytes_read(), 8u);
}

TEST_F(FileTest, DroppedBytesOfAChangedFileAreAnError) {
  put(path("a"), "0123456789");
  const auto source = ByteSource::open_file(path("a"));
  const auto held = source->take(0, 4, "one"), dropped = source->take(4, 4, "two");
  dropped->drop();
  fs::last_write_time(path("a"), fs::last_write_time(path("a")) + std::chrono::seconds(1));
  EXPECT_EQ(text_of({held->hold().get(), 4}), "0123");
  EXPECT_ERROR(dropped->hold(), MOLRT_ERROR_IO, "a: the file was changed");
}

TEST_F(FileTest, MemoryIsNotDropped) {
  const std::string text = "0123456789";
  const auto stored =
      ByteSource::copy_memory(std::as_bytes(std::span(text)), "memory")->take(2, 4, "some");
  stored->drop();
  EXPECT_EQ(text_of({stored->hold().get(), 4}), "2345");
}

TEST_F(FileTest, AFileThatShrinksIsAnError) {
  put(path("a"), std::string(100'000, 'x'));
  const auto source = ByteSource::open_file(path("a"));
  EXPECT_EQ(source->read(0, 10, "head").size(), 10u);
  fs::resize_file(path("a"), 50'000);
  EXPECT_EQ(source->take(40'000, 10'000, "tensor")->hold().get()[9'999], std::byte{'x'});
  EXPECT_ERROR(source->take(40'000, 10'001, "tensor"), MOLRT_ERROR_IO, "shrank while it was read");
  EXPECT_ERROR(source->read(60'000, 1, "tensor"), MOLRT_ERROR_IO, path("a"));
}

TEST_F(FileTest, CopiesMemory) {
  std::string bytes = "abc";
  const auto source = ByteSource::copy_memory(std::as_bytes(std::span(bytes)), "memory");
  bytes = "xyz";
  EXPECT_EQ(text_of(source->read(0, 3, "all")), "abc");
}

TEST_F(FileTest, RefusesRangesOutside) {
  put(path("a"), "0123456789");
  const auto source = ByteSource::open_file(path("a"));
  EXPECT_ERROR(source->read(8, 3, "the tail"), MOLRT_ERROR_FORMAT, "the tail");
  EXPECT_ERROR(source->read(11, 0, "the tail"), MOLRT_ERROR_FORMAT, path("a"));
  EXPECT_ERROR(source->read(UINT64_MAX, 2, "x"), MOLRT_ERROR_FORMAT, "x");
  EXPECT_ERROR(source->read(1, UINT64_MAX, "x"), MOLRT_ERROR_FORMAT, "x");
  EXPECT_EQ(source->bytes_read(), 0u);
}

TEST_F(FileTest, SaysWhyItCannotBeRead) {
  put(path("empty"), "");
  mkfifo(path("pipe").c_str(), 0600);
  EXPECT_ERROR(ByteSource::open_file(path("none")), MOLRT_ERROR_IO, "No such file");
  EXPECT_ERROR(ByteSource::open_file(directory_.string()), MOLRT_ERROR_IO, "a directory");
  EXPECT_ERROR(ByteSource::open_file(path("empty")), MOLRT_ERROR_IO, "empty");
  EXPECT_ERROR(ByteSource::open_file(path("pipe")), MOLRT_ERROR_IO, "regular file");
}

TEST_F(FileTest, WritesWholeOrNotAtAll) {
  put(path("a"), "old");
  {
    AtomicFile file(path("a"));
    file.write("new", 3);
    EXPECT_EQ(files(), 2u);
    EXPECT_EQ(get(path("a")), "old");
  }
  EXPECT_EQ(get(path("a")), "old");
  EXPECT_EQ(files(), 1u);
  write(path("a"), "new");
  EXPECT_EQ(get(path("a")), "new");
  EXPECT_EQ(files(), 1u);
}

TEST_F(FileTest, TwoWritersDoNotMeet) {
  AtomicFile first(path("a")), second(path("a"));
  first.write("first", 5);
  second.write("second", 6);
  second.commit();
  first.commit();
  EXPECT_EQ(get(path("a")), "first");
  EXPECT_EQ(files(), 1u);
}

TEST_F(FileTest, Seeks) {
  AtomicFile file(path("a"));
  file.write("....", 4);
  file.seek(1);
  file.write("x", 1);
  file.commit();
  EXPECT_EQ(get(path("a")), ".x..");
}

TEST_F(FileTest, ReplacesWhatALinkLeadsTo) {
  fs::create_directory(path("deep"));
  put(path("deep/target"), "old");
  fs::create_symlink("deep/target", path("link"));
  fs::create_symlink("link", path("second"));
  fs::create_symlink("deep/none", path("dangling"));
  write(path("second"), "new");
  EXPECT_EQ(get(path("deep/target")), "new");
  EXPECT_TRUE(fs::is_symlink(path("link")) && fs::is_symlink(path("second")));
  write(path("dangling"), "made");
  EXPECT_EQ(get(path("deep/none")), "made");
}

TEST_F(FileTest, RefusesLinksInACircle) {
  fs::create_symlink("b", path("a"));
  fs::create_symlink("a", path("b"));
  EXPECT_ERROR(AtomicFile(path("a")), MOLRT_ERROR_IO, path("a"));
}

mode_t mode_of(const std::string& path) {
  struct stat status;
  EXPECT_EQ(stat(path.c_str(), &status), 0);
  return status.st_mode & 07777;
}

TEST_F(FileTest, KeepsPermissions) {
  const mode_t before = umask(027);
  write(path("fresh"), "x");
  put(path("old"), "x");
  chmod(path("old").c_str(), 0604);
  write(path("old"), "y");
  umask(before);
  EXPECT_EQ(mode_of(path("fresh")), 0640u);
  EXPECT_EQ(mode_of(path("old")), 0604u);
}

TEST_F(FileTest, WritesPipesInPlace) {
  mkfifo(path("pipe").c_str(), 0600);
  std::string received;
  std::thread reader([&] { received = get(path("pipe")); });
  write(path("pipe"), "through");
  reader.join();
  EXPECT_EQ(received, "through");
  EXPECT_EQ(files(), 1u);
}

TEST_F(FileTest, WritesDevicesInPlace) {
  write("/dev/null", "gone");
  EXPECT_TRUE(fs::is_character_file("/dev/null"));
  AtomicFile file("/dev/null");
  EXPECT_ERROR(file.seek(0), MOLRT_ERROR_IO, "/dev/null");
}

// As `molrt ... -o /dev/stdout > file`: the file is whose shell opened it.
TEST_F(FileTest, WritesDescriptorsInPlace) {
  put(path("a"), "before ");
  const int fd = open(path("a").c_str(), O_WRONLY | O_APPEND);
  write("/dev/fd/" + std::to_string(fd), "after");
  close(fd);
  EXPECT_EQ(get(path("a")), "before after");
  EXPECT_EQ(files(), 1u);
}

// As `molrt ... -o /dev/stdout | cat`, also where a link leads there.
TEST_F(FileTest, WritesPipesOfTheShell) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const std::string descriptor = "/dev/fd/" + std::to_string(ends[1]);
  fs::create_symlink(descriptor, path("link"));
  write(descriptor, "one");
  write(path("link"), "two");
  char received[6];
  EXPECT_EQ(read(ends[0], received, sizeof received), 6);
  EXPECT_EQ(std::string(received, 6), "onetwo");
  EXPECT_EQ(files(), 1u);
  close(ends[0]);
  close(ends[1]);
}

TEST_F(FileTest, SaysWhyItCannotBeWritten) {
  EXPECT_ERROR(write(path("none/a"), "x"), MOLRT_ERROR_IO, "none/a: cannot write: No such file");
  EXPECT_ERROR(write(directory_.string(), "x"), MOLRT_ERROR_IO, "Is a directory");
  EXPECT_ERROR(write("/dev/full", "x"), MOLRT_ERROR_IO, "/dev/full: cannot write: No space left");
  EXPECT_ERROR(write("/dev/full", std::string(1 << 20, 'x')), MOLRT_ERROR_IO, "No space left");
  put(path("file"), "x");
  EXPECT_ERROR(write(path("file/a"), "x"), MOLRT_ERROR_IO, "Not a directory");
}

TEST_F(FileTest, RespectsReadOnlyFiles) {
  if (geteuid() == 0) GTEST_SKIP() << "root may write everything";
  put(path("a"), "kept");
  chmod(path("a").c_str(), 0444);
  EXPECT_ERROR(write(path("a"), "x"), MOLRT_ERROR_IO, "Permission denied");
  EXPECT_EQ(get(path("a")), "kept");
}

}  // namespace
}  // namespace molrt
