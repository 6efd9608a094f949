#include "cache/cache_file.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <map>

#include "support/temporary.h"

namespace molrt {
namespace {

namespace fs = std::filesystem;
using Use = CacheFile::Use;

constexpr uint64_t roomy = 1 << 30;

CacheEntry entry(int number, size_t size = 400) {
  return {"key " + std::to_string(number), std::string(size, static_cast<char>('a' + number % 26))};
}

std::vector<CacheEntry> entries(int first, int count, size_t size = 400) {
  std::vector<CacheEntry> list;
  for (int i = first; i < first + count; ++i) list.push_back(entry(i, size));
  return list;
}

std::map<int, std::string> found(CacheFile& file, int first, int count) {
  std::vector<std::string> keys;
  for (int i = first; i < first + count; ++i) keys.push_back(entry(i).key);
  std::map<int, std::string> values;
  file.find(keys,
            [&](size_t i, std::string_view value) { values[first + static_cast<int>(i)] = value; });
  return values;
}

uint64_t size_on_disk(const std::string& path) {
  uint64_t size = 0;
  for (const char* suffix : {"", "-wal"})
    if (fs::exists(path + suffix)) size += fs::file_size(path + suffix);
  return size;
}

std::string bytes_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void write_bytes(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

void run_sql(const std::string& path, const char* sql) {
  SqliteConnection(path, SqliteConnection::Access::create).run(sql);
}

class CacheFileTest : public testing::Test {
 protected:
  test::TemporaryDirectory directory_;
  const std::string path_ = directory_.path("cache.sqlite");

  std::string refusal(Use use = Use::keep) {
    try {
      CacheFile file(path_, roomy, use);
    } catch (const CacheRefused& e) {
      return e.what();
    }
    return "";
  }
};

TEST_F(CacheFileTest, FindsWhatItKept) {
  { CacheFile(path_, roomy, Use::keep).keep(entries(0, 1000)); }
  CacheFile again(path_, roomy, Use::keep);
  const auto values = found(again, 500, 1000);
  EXPECT_EQ(values.size(), 500u);
  EXPECT_EQ(values.at(500), entry(500).value);
  EXPECT_EQ(again.entries(), 1000u);
}

TEST_F(CacheFileTest, LeavesNoLogBehind) {
  { CacheFile(path_, roomy, Use::keep).keep(entries(0, 10)); }
  EXPECT_FALSE(fs::exists(path_ + "-wal"));
}

TEST_F(CacheFileTest, AnotherKeyOfTheSameHashIsNotThere) {
  CacheFile file(path_, roomy, Use::keep);
  file.keep(entries(0, 2));
  run_sql(path_, "UPDATE entry SET key = CAST('another' AS BLOB) WHERE id = 1");
  EXPECT_EQ(found(file, 0, 2).size(), 1u);
}

TEST_F(CacheFileTest, AChangedValueIsNotThereAndIsReplaced) {
  CacheFile file(path_, roomy, Use::keep);
  file.keep(entries(0, 2));
  run_sql(path_, "UPDATE entry SET value = CAST('changed' AS BLOB) WHERE id = 1");
  EXPECT_EQ(found(file, 0, 2).size(), 1u);
  file.keep(entries(0, 1));
  EXPECT_EQ(found(file, 0, 2).size(), 2u);
}

TEST_F(CacheFileTest, StaysWithinItsLimitWithTheNewest) {
  for (const uint64_t limit : {uint64_t{1} << 16, uint64_t{1} << 18, uint64_t{1} << 20}) {
    fs::remove(path_);
    CacheFile file(path_, limit, Use::keep);
    for (int i = 0; i < 4000; i += 100) {
      file.keep(entries(i, 100));
      EXPECT_LE(size_on_disk(path_), limit);
    }
    EXPECT_EQ(found(file, 3990, 10).size(), 10u) << limit;
    EXPECT_TRUE(found(file, 0, 100).empty()) << limit;
    EXPECT_GT(file.entries(), limit / 4000) << limit;
  }
}

TEST_F(CacheFileTest, WhatIsUsedStays) {
  CacheFile file(path_, 1 << 18, Use::keep);
  for (int i = 0; i < 4000; i += 50) {
    file.keep(entries(i, 50));
    EXPECT_EQ(found(file, 0, 20).size(), 20u) << i;
    file.note_uses();
  }
}

TEST_F(CacheFileTest, ReadsWriteNothingWhileThereIsRoom) {
  CacheFile file(path_, roomy, Use::keep);
  file.keep(entries(0, 100));
  const std::string before = bytes_of(path_ + "-wal");
  found(file, 0, 100);
  file.note_uses();
  EXPECT_EQ(bytes_of(path_ + "-wal"), before);
}

TEST_F(CacheFileTest, ShrinksToASmallerLimit) {
  { CacheFile(path_, roomy, Use::keep).keep(entries(0, 10000)); }
  ASSERT_GT(fs::file_size(path_), 4u << 20);
  { CacheFile(path_, 1 << 20, Use::keep).keep(entries(20000, 1)); }
  EXPECT_LE(size_on_disk(path_), 1u << 20);
  CacheFile file(path_, 1 << 20, Use::keep);
  EXPECT_EQ(found(file, 20000, 1).size(), 1u);
  EXPECT_EQ(found(file, 9900, 100).size(), 100u);
}

TEST_F(CacheFileTest, LeavesOutWhatIsTooLarge) {
  CacheFile file(path_, 1 << 16, Use::keep);
  std::vector<CacheEntry> mixed = entries(0, 2);
  mixed.insert(mixed.begin() + 1, entry(7, 1 << 16));
  file.keep(mixed);
  EXPECT_EQ(found(file, 0, 10).size(), 2u);
}

TEST_F(CacheFileTest, WhatIsNoCacheIsRefusedAndLeftAsItIs) {
  for (const std::string& bytes : {std::string("smiles,y\nCCO,1\n"), std::string(10000, '\0')}) {
    write_bytes(path_, bytes);
    EXPECT_NE(refusal(), "");
    EXPECT_NE(refusal(Use::inspect), "");
    EXPECT_EQ(bytes_of(path_), bytes);
  }
}

TEST_F(CacheFileTest, AnotherProgramsDatabaseIsRefusedAndLeftAsItIs) {
  run_sql(path_, "CREATE TABLE notes(text)");
  const std::string before = bytes_of(path_);
  EXPECT_NE(refusal().find("another program"), std::string::npos);
  EXPECT_EQ(bytes_of(path_), before);
}

TEST_F(CacheFileTest, ANewerOneIsRefusedAndLeftAsItIs) {
  { CacheFile(path_, roomy, Use::keep).keep(entries(0, 10)); }
  run_sql(path_, "PRAGMA user_version = 99");
  EXPECT_NE(refusal().find("newer"), std::string::npos);
  run_sql(path_, "PRAGMA user_version = 1");
  CacheFile file(path_, roomy, Use::keep);
  EXPECT_EQ(found(file, 0, 10).size(), 10u);
}

TEST_F(CacheFileTest, ADirectoryAndAPipeAreRefused) {
  fs::create_directory(path_);
  EXPECT_NE(refusal(), "");
  fs::remove(path_);
  ASSERT_EQ(mkfifo(path_.c_str(), 0600), 0);
  EXPECT_NE(refusal(), "");
}

TEST_F(CacheFileTest, AnEmptyFileBecomesOne) {
  write_bytes(path_, "");
  CacheFile file(path_, roomy, Use::keep);
  file.keep(entries(0, 3));
  EXPECT_EQ(found(file, 0, 3).size(), 3u);
}

TEST_F(CacheFileTest, InspectingChangesNothing) {
  { CacheFile(path_, roomy, Use::keep).keep(entries(0, 100)); }
  const std::string before = bytes_of(path_);
  EXPECT_EQ(CacheFile(path_, roomy, Use::inspect).entries(), 100u);
  EXPECT_EQ(bytes_of(path_), before);
  EXPECT_FALSE(fs::exists(path_ + "-wal"));
}

TEST_F(CacheFileTest, InspectingMakesNoFile) {
  EXPECT_THROW(CacheFile(path_, roomy, Use::inspect), SqliteError);
  EXPECT_FALSE(fs::exists(path_));
}

void keep_and_find(CacheFile& file) {
  for (const auto& [number, value] : found(file, 0, 200)) EXPECT_EQ(value, entry(number).value);
  file.keep(entries(0, 200));
  EXPECT_EQ(found(file, 0, 200).size(), 200u);
}

// Whatever a byte is changed to, or wherever the file ends: values are right or not there, and the
// file can be written again.
TEST_F(CacheFileTest, SurvivesAnyDamage) {
  { CacheFile(path_, roomy, Use::keep).keep(entries(0, 200)); }
  const std::string whole = bytes_of(path_);
  for (size_t i = 0; i < 60; ++i) {
    std::string damaged = whole;
    const size_t place = i < 30 ? 100 + i * 37 : whole.size() * (i - 30) / 30;
    if (i % 2)
      damaged.resize(std::max<size_t>(place, 100));
    else
      damaged.replace(place, std::min<size_t>(64, damaged.size() - place), 64, '\xa5');
    write_bytes(path_, damaged);
    SCOPED_TRACE(fmt::format("damage {} at {}", i, place));
    try {
      CacheFile file(path_, roomy, Use::keep);
      bool emptied = false;
      try {
        keep_and_find(file);
      } catch (const SqliteError& e) {
        ASSERT_EQ(e.code(), SQLITE_CORRUPT) << e.what();
        file.empty_damaged();
        emptied = true;
      }
      if (emptied) keep_and_find(file);
      EXPECT_EQ(
          SqliteConnection(path_, SqliteConnection::Access::existing).number("PRAGMA auto_vacuum"),
          2);
    } catch (const CacheRefused&) {  // its header does not say any more what it was
      EXPECT_LT(place, 100u);
    }
  }
}

TEST_F(CacheFileTest, ClearingKeepsItOpenForOthers) {
  CacheFile file(path_, roomy, Use::keep), other(path_, roomy, Use::keep);
  file.keep(entries(0, 5000));
  other.clear();
  EXPECT_TRUE(found(file, 0, 5000).empty());
  file.keep(entries(0, 10));
  EXPECT_EQ(found(other, 0, 10).size(), 10u);
}

TEST_F(CacheFileTest, WritersAtTheSameTimeLoseNothing) {
  constexpr int writers = 4, each = 300;
  std::vector<pid_t> children;
  for (int w = 0; w < writers; ++w) {
    const pid_t child = fork();
    if (child == 0) {
      try {
        for (int i = 0; i < each; i += 10) {
          CacheFile file(path_, roomy, Use::keep);
          file.keep(entries(w * each + i, 10));
        }
        _exit(0);
      } catch (...) {
        _exit(1);
      }
    }
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
  }
  CacheFile file(path_, roomy, Use::keep);
  EXPECT_EQ(found(file, 0, writers * each).size(), size_t{writers * each});
}

}  // namespace
}  // namespace molrt
