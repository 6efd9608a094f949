#include "base/partial_file.h"

#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <sstream>
#include <thread>

#include "base/spool_file.h"
#include "support/expect_error.h"

namespace molrt {
namespace {

namespace fs = std::filesystem;

class PartialFileTest : public testing::Test {
 protected:
  PartialFileTest() {
    std::string name = (fs::temp_directory_path() / "molrt-partial-XXXXXX").string();
    directory_ = mkdtemp(name.data());
    target_.path = (directory_ / "out").string();
  }
  ~PartialFileTest() override { fs::remove_all(directory_); }

  std::string get(const std::string& name) const {
    std::ostringstream text;
    text << std::ifstream(directory_ / name).rdbuf();
    return text.str();
  }
  void put(const std::string& name, const std::string& text) const {
    std::ofstream(directory_ / name) << text;
  }
  size_t files() const { return std::distance(fs::directory_iterator(directory_), {}); }
  static void write(PartialFile& file, const std::string& text) {
    file.write(text.data(), text.size());
  }

  uint32_t put_rows_in_place() const {  // their checksum
    PartialFile file(target_);
    write(file, "rows");
    const uint32_t crc = file.crc();
    file.publish();
    return crc;
  }

  fs::path directory_;
  WriteTarget target_;
};

TEST_F(PartialFileTest, GetsItsNameAtTheEnd) {
  PartialFile file(target_);
  write(file, "abc");
  file.sync();
  EXPECT_EQ(get("out.partial"), "abc");
  EXPECT_FALSE(fs::exists(target_.path));
  file.publish();
  EXPECT_EQ(get("out"), "abc");
  EXPECT_EQ(files(), 1u);
}

TEST_F(PartialFileTest, GoesOnBehindWhatWasChecked) {
  uint32_t crc;
  {
    PartialFile file(target_);
    file.set_head("head0");
    write(file, "rows");
    crc = file.crc();
    file.sync();
    write(file, "half a row");
  }
  put("out.partial", "head?rowshalf");
  PartialFile file(target_);
  ASSERT_TRUE(file.resume(9, 5, crc));
  EXPECT_EQ(file.bytes(), 9u);
  write(file, "more");
  file.set_head("head1");
  file.publish();
  EXPECT_EQ(get("out"), "head1rowsmore");
}

TEST_F(PartialFileTest, TakesBackWhatWasPutInPlace) {
  const uint32_t crc = put_rows_in_place();
  PartialFile file(target_);
  ASSERT_TRUE(file.resume(4, 0, crc));
  EXPECT_EQ(files(), 1u);
  write(file, "more");
  file.sync();
  EXPECT_EQ(get("out.partial"), "rowsmore");
  EXPECT_ERROR(PartialFile second(target_), MOLRT_ERROR_IO, "another molrt");
}

TEST_F(PartialFileTest, KeepsTheLockWhileItTakesBack) {
  for (int i = 0; i < 100; ++i) {
    const uint32_t crc = put_rows_in_place();
    PartialFile file(target_);
    std::atomic<bool> tries = false, done = false;
    const auto steal = [&] {
      int stolen = 0;
      while (!done) {
        try {
          PartialFile second(target_);
          ++stolen;
        } catch (const Error&) {
        }
        tries = true;
      }
      return stolen;
    };
    auto stolen = std::async(std::launch::async, steal);
    while (!tries) std::this_thread::yield();
    const bool resumed = file.resume(4, 0, crc);
    done = true;
    EXPECT_TRUE(resumed);
    ASSERT_EQ(stolen.get(), 0);
  }
}

TEST_F(PartialFileTest, DoesNotGoOnBehindSomethingElse) {
  put("out.partial", "rowz");
  put("out", "ro");
  PartialFile file(target_);
  EXPECT_FALSE(file.resume(4, 0, 0x12345678));
  EXPECT_FALSE(file.resume(5, 0, 0));
  EXPECT_EQ(get("out.partial"), "rowz");
  EXPECT_EQ(get("out"), "ro");
}

TEST_F(PartialFileTest, IsWrittenByOneAtATime) {
  PartialFile file(target_);
  EXPECT_ERROR(PartialFile second(target_), MOLRT_ERROR_IO, "another molrt");
}

TEST_F(PartialFileTest, LeavesNothingEmptyBehind) {
  { PartialFile file(target_); }
  EXPECT_EQ(files(), 0u);
  put("out.partial", "rows");
  { PartialFile file(target_); }
  EXPECT_EQ(get("out.partial"), "rows");
  {
    PartialFile file(target_);
    file.restart();
    file.publish();
    put("out.partial", "");  // another's
  }
  EXPECT_TRUE(fs::exists(directory_ / "out.partial"));
}

TEST_F(PartialFileTest, IsCut) {
  PartialFile file(target_);
  write(file, "abcdef");
  file.sync();
  file.cut(2);
  file.publish();
  EXPECT_EQ(get("out"), "ab");
}

TEST(SpoolFileTest, HoldsItsBytesWithoutAName) {
  std::string name = (fs::temp_directory_path() / "molrt-spool-XXXXXX").string();
  const fs::path directory = mkdtemp(name.data());
  SpoolFile spool(directory.string());
  const std::string text(200000, 'x');
  spool.write(text.data(), text.size());
  spool.write("end", 3);
  EXPECT_EQ(spool.size(), text.size() + 3);
  spool.flush();
  char end[8];
  EXPECT_EQ(spool.read_at(text.size(), end, sizeof end), 3u);
  EXPECT_EQ(std::string(end, 3), "end");
  EXPECT_TRUE(fs::is_empty(directory));
  fs::remove(directory);
  EXPECT_ERROR(SpoolFile(directory.string()), MOLRT_ERROR_IO, "cannot make");
}

}  // namespace
}  // namespace molrt
