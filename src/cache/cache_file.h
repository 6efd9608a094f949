#pragma once
// A file of values by key that any number of processes read and write at the same time: an SQLite
// database. A process that is killed loses what it had not kept yet, and harms nothing.
//  - Whole keys are stored, and a checksum over key and value: what does not fit is not there.
//  - Within the limit, log included: the entries that were used longest ago go first. Their pages
//    are used again; where the limit was higher before, the file shrinks.
//  - One that is damaged is emptied, under SQLite's locks and so for all who have it open.
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cache/sqlite.h"

namespace molrt {

// Why a file is not used as a cache; it is left as it is.
class CacheRefused : public SqliteError {
 public:
  explicit CacheRefused(const std::string& why) : SqliteError(SQLITE_AUTH, why) {}
};

struct CacheEntry {
  std::string key, value;
};

constexpr uint64_t smallest_cache = 1 << 16;  // bytes: of less nothing would be left

// Everything but its constructor throws SqliteError, and bad_alloc.
class CacheFile {
 public:
  enum class Use {
    keep,    // made if it is not there
    inspect  // never changed
  };
  // CacheRefused or SqliteError where it cannot be used.
  CacheFile(const std::string& path, uint64_t max_bytes, Use use);
  ~CacheFile();

  bool is_read_only() const { return read_only_; }
  bool was_damaged() const { return was_damaged_; }  // and has been emptied
  bool is_ours() const { return connection_->is_ours(); }

  // Calls found(i, value) for each key that is there.
  void find(std::span<const std::string> keys,
            const std::function<void(size_t, std::string_view)>& found);
  // In place of those of the same keys. One that would take a quarter of the file is left out.
  void keep(std::span<const CacheEntry> entries);
  // Has what was found counted as used, if it is among what would go soon.
  void note_uses();
  // After SQLITE_CORRUPT.
  void empty_damaged();

  uint64_t entries();
  void clear();

 private:
  struct Statements;
  void open();
  void connect(SqliteConnection::Access access);
  void check_header();
  bool header_is_ours() const;
  void create();
  void prepare();
  void keep_some(std::span<const CacheEntry> entries, uint64_t bytes);
  void insert(std::span<const CacheEntry> entries);
  bool make_room(uint64_t bytes);
  uint64_t most_pages() const;
  uint64_t used_pages();
  void give_back_pages();

  std::string path_;
  uint64_t max_bytes_;
  Use use_;
  bool read_only_ = false, was_damaged_ = false;
  std::unique_ptr<SqliteConnection> connection_;
  std::unique_ptr<Statements> statements_;
  std::vector<int64_t> used_;  // ids of what was found
};

}  // namespace molrt
