#include "cache/cache_file.h"

#include <fmt/format.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "base/crc.h"
#include "base/hash.h"

namespace molrt {
namespace {

constexpr int64_t application = 0x6d6c7274;  // "mlrt", in the database's header
constexpr int64_t schema = 1;                // raised with every change of the tables

constexpr uint64_t page = 4096;            // bytes; SQLite's default
constexpr uint64_t least_log = 128 << 10;  // of the limit, and at most half of it
constexpr uint64_t largest_log = 16 << 20;
constexpr uint64_t most_at_once = 256 << 10;  // bytes of entries in a transaction
constexpr uint64_t beside_entry = 64;         // its number, hash, checksum and place in the index
constexpr int entries_per_removal = 16;

// In a transaction.
constexpr uint64_t most_removals = 4096;
constexpr size_t most_moves = 1024;

// Entries are numbered in the order of their last use.
constexpr const char* tables =
    "CREATE TABLE entry(id INTEGER PRIMARY KEY, hash INTEGER NOT NULL UNIQUE,"
    " crc INTEGER NOT NULL, key BLOB NOT NULL, value BLOB NOT NULL)";

// A transaction writes some pages beside those of its entries, however few these are.
uint64_t log_bytes(uint64_t max_bytes) {
  return std::min({std::max(max_bytes / 4, least_log), max_bytes / 2, largest_log});
}

// Two keys of one hash take each other's place, and that is all.
int64_t hash_of(std::string_view key) { return static_cast<int64_t>(fnv1a(key)); }

int64_t checksum(std::string_view key, std::string_view value) { return crc32(value, crc32(key)); }

uint64_t size_of(const CacheEntry& entry) {
  return entry.key.size() + entry.value.size() + beside_entry;
}

// A write-ahead log is memory that processes share, which those of different machines do not.
bool is_on_network(const std::string& path) {
  constexpr std::array<long, 5> networks = {NFS_SUPER_MAGIC, SMB_SUPER_MAGIC, 0xFF534D42 /* cifs */,
                                            0xFE534D42 /* smb2 */, 0x0BD00BD0 /* lustre */};
  struct statfs system;
  return statfs(path.c_str(), &system) == 0 &&
         std::find(networks.begin(), networks.end(), system.f_type) != networks.end();
}

int64_t only_number(SqliteStatement& statement) {
  statement.start({});
  const int64_t number = statement.next() ? statement.number(0) : 0;
  statement.reset();
  return number;
}

}  // namespace

struct CacheFile::Statements {
  explicit Statements(SqliteConnection& c)
      : find(c, "SELECT id, crc, key, value FROM entry WHERE hash = ?"),
        keep(c, "INSERT OR REPLACE INTO entry VALUES(?, ?, ?, ?, ?)"),
        move(c, "UPDATE entry SET id = ? WHERE id = ?"),
        remove(c, "DELETE FROM entry WHERE id IN (SELECT id FROM entry ORDER BY id LIMIT ?)"),
        first(c, "SELECT min(id) FROM entry"),
        last(c, "SELECT max(id) FROM entry") {}
  SqliteStatement find, keep, move, remove, first, last;
};

CacheFile::CacheFile(const std::string& path, uint64_t max_bytes, Use use)
    : path_(path), max_bytes_(max_bytes), use_(use) {
  struct stat status;
  if (stat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode))
    throw CacheRefused("it is no regular file");
  try {
    open();
  } catch (const CacheRefused&) {
    // Not even another program's log is worked into its database.
    sqlite3_db_config(connection_->get(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
    throw;
  } catch (const SqliteError& e) {
    if (e.code() == SQLITE_NOTADB)
      throw CacheRefused("it is no cache of molrt, and is left as it is");
    if ((e.code() != SQLITE_CORRUPT && e.code() != SQLITE_ERROR) || !header_is_ours()) throw;
    if (use_ == Use::inspect) throw;
    if (read_only_) throw CacheRefused("it is damaged, and cannot be written");
    empty_damaged();
  }
}

CacheFile::~CacheFile() = default;

void CacheFile::connect(SqliteConnection::Access access) {
  statements_.reset();
  connection_.reset();
  connection_ = std::make_unique<SqliteConnection>(path_, access);
  read_only_ = connection_->is_read_only();
}

// What nobody writes to can be read where SQLite could make no log beside it.
void CacheFile::open() {
  using Access = SqliteConnection::Access;
  try {
    connect(use_ == Use::keep ? Access::create : Access::existing);
    check_header();
  } catch (const SqliteError& e) {
    const bool unwritable = e.code() == SQLITE_CANTOPEN || e.code() == SQLITE_READONLY;
    struct stat log;
    if (!unwritable || !connection_ || !read_only_ || stat((path_ + "-wal").c_str(), &log) == 0)
      throw;
    connect(Access::immutable);
    check_header();
  }
  prepare();
}

void CacheFile::check_header() {
  SqliteTransaction one_view(*connection_, "BEGIN");  // others may be making it just now
  const int64_t owner = connection_->number("PRAGMA application_id");
  const int64_t version = connection_->number("PRAGMA user_version");
  const bool empty = connection_->number("SELECT count(*) FROM sqlite_schema") == 0;
  one_view.commit();
  if (owner == application && version == schema) return;
  if (owner == application && version < schema)
    throw SqliteError(SQLITE_CORRUPT, "its tables are of an older version");
  if (owner == application)
    throw CacheRefused(
        fmt::format("it is of a newer molrt (its tables are version {}, and this one knows {})",
                    version, schema));
  if (owner != application && (owner != 0 || version != 0 || !empty))
    throw CacheRefused("it is another program's database, and is left as it is");
  if (read_only_ || use_ == Use::inspect) throw CacheRefused("it is empty");
  create();
}

// By SQLite's own descriptor: to close another one would release its locks.
bool CacheFile::header_is_ours() const {
  constexpr int size = 100, version = 60, owner = 68;  // of the header; places in it
  sqlite3_file* file = nullptr;
  std::array<unsigned char, size> header{};
  if (!connection_ ||
      sqlite3_file_control(connection_->get(), "main", SQLITE_FCNTL_FILE_POINTER, &file) || !file ||
      !file->pMethods || file->pMethods->xRead(file, header.data(), size, 0) != SQLITE_OK)
    return false;
  const auto number = [&](int place) {
    int64_t value = 0;
    for (int i = 0; i < 4; ++i) value = value << 8 | header[place + i];
    return value;
  };
  return std::memcmp(header.data(), "SQLite format 3", 16) == 0 && number(owner) == application &&
         number(version) <= schema;
}

// Whole, or not at all if it is killed; of several processes by one.
void CacheFile::create() {
  connection_->run("PRAGMA auto_vacuum = INCREMENTAL");
  SqliteTransaction transaction(*connection_, "BEGIN IMMEDIATE");
  if (connection_->number("SELECT count(*) FROM sqlite_schema") > 0) {
    if (connection_->number("PRAGMA application_id") == application &&
        connection_->number("PRAGMA user_version") == schema)
      return;
    throw CacheRefused("it is another program's database, and is left as it is");
  }
  connection_->run(tables);
  connection_->run(fmt::format("PRAGMA application_id = {}", application).c_str());
  connection_->run(fmt::format("PRAGMA user_version = {}", schema).c_str());
  transaction.commit();
}

void CacheFile::prepare() {
  if (!read_only_ && use_ == Use::keep) {
    // Where another process has it open just now, this one goes on in the mode that it finds.
    try {
      if (!is_on_network(path_)) connection_->run("PRAGMA journal_mode = WAL");
    } catch (const SqliteError& e) {
      if (e.code() != SQLITE_BUSY && e.code() != SQLITE_LOCKED) throw;
    }
    const uint64_t log = log_bytes(max_bytes_);
    connection_->run(fmt::format("PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = {};"
                                 "PRAGMA journal_size_limit = {}",
                                 std::max<uint64_t>(1, log / 4 / page), log)
                         .c_str());
  }
  statements_ = std::make_unique<Statements>(*connection_);
}

void CacheFile::empty_damaged() {
  if (read_only_) throw SqliteError(SQLITE_READONLY, "it is damaged, and cannot be written");
  connect(SqliteConnection::Access::existing);
  sqlite3* database = connection_->get();
  // SQLite must have looked at it, whatever it finds.
  sqlite3_exec(database, "PRAGMA user_version", nullptr, nullptr, nullptr);
  sqlite3_db_config(database, SQLITE_DBCONFIG_RESET_DATABASE, 1, nullptr);
  sqlite3_exec(database, "PRAGMA auto_vacuum = INCREMENTAL", nullptr, nullptr, nullptr);
  connection_->run("VACUUM");
  sqlite3_db_config(database, SQLITE_DBCONFIG_RESET_DATABASE, 0, nullptr);
  was_damaged_ = true;
  used_.clear();
  check_header();
  prepare();
}

void CacheFile::find(std::span<const std::string> keys,
                     const std::function<void(size_t, std::string_view)>& found) {
  SqliteTransaction transaction(*connection_, "BEGIN");
  SqliteStatement& find = statements_->find;
  for (size_t i = 0; i < keys.size(); ++i) {
    find.start({hash_of(keys[i])});
    if (!find.next()) continue;
    const std::string_view value = find.blob(3);
    if (find.blob(2) == keys[i] && find.number(1) == checksum(keys[i], value)) {
      used_.push_back(find.number(0));
      found(i, value);
    }
    find.reset();
  }
  transaction.commit();
}

// As many at once as take part of the log.
void CacheFile::keep(std::span<const CacheEntry> entries) {
  const uint64_t most = std::min(most_at_once, log_bytes(max_bytes_) / 4);
  size_t begin = 0;
  uint64_t bytes = 0;
  for (size_t i = 0; i < entries.size(); ++i) {
    if (i > begin && bytes + size_of(entries[i]) > most) {
      keep_some(entries.subspan(begin, i - begin), bytes);
      begin = i;
      bytes = 0;
    }
    bytes += size_of(entries[i]);
  }
  if (begin < entries.size()) keep_some(entries.subspan(begin), bytes);
}

void CacheFile::keep_some(std::span<const CacheEntry> entries, uint64_t bytes) {
  if (bytes > most_pages() / 4 * page) return;  // one that is too large
  for (bool kept = false; !kept;) {
    SqliteTransaction transaction(*connection_, "BEGIN IMMEDIATE");
    kept = make_room(bytes);
    if (kept) insert(entries);
    transaction.commit();
  }
  give_back_pages();
}

void CacheFile::insert(std::span<const CacheEntry> entries) {
  int64_t id = only_number(statements_->last);
  for (const CacheEntry& entry : entries)
    statements_->keep.run({++id, hash_of(entry.key), checksum(entry.key, entry.value),
                           std::string_view(entry.key), std::string_view(entry.value)});
}

// Whether there is enough; after so many removals the log takes no more.
bool CacheFile::make_room(uint64_t bytes) {
  const uint64_t needed = (bytes + bytes / 8) / page + 2;
  for (uint64_t removed = 0; used_pages() + needed > most_pages(); removed += entries_per_removal) {
    if (removed >= most_removals) return false;
    statements_->remove.run({int64_t{entries_per_removal}});
    if (sqlite3_changes(connection_->get()) == 0) return true;
  }
  return true;
}

uint64_t CacheFile::most_pages() const { return (max_bytes_ - log_bytes(max_bytes_)) / page; }

uint64_t CacheFile::used_pages() {
  return static_cast<uint64_t>(connection_->number("PRAGMA page_count") -
                               connection_->number("PRAGMA freelist_count"));
}

void CacheFile::give_back_pages() {
  const auto pages = static_cast<uint64_t>(connection_->number("PRAGMA page_count"));
  if (pages > most_pages())
    connection_->run(fmt::format("PRAGMA incremental_vacuum({})", pages - most_pages()).c_str());
}

// Reads write nothing while there is room, and then an entry again only when a quarter of the
// others have been used since.
void CacheFile::note_uses() {
  std::vector<int64_t> used = std::exchange(used_, {});
  if (read_only_ || used.empty() || used_pages() < most_pages() / 2) return;
  const int64_t first = only_number(statements_->first), last = only_number(statements_->last);
  std::erase_if(used, [&](int64_t id) { return id > last - (last - first) / 4; });
  for (size_t begin = 0; begin < used.size(); begin += most_moves) {
    SqliteTransaction transaction(*connection_, "BEGIN IMMEDIATE");
    int64_t id = only_number(statements_->last);
    for (size_t i = begin; i < std::min(used.size(), begin + most_moves); ++i)
      statements_->move.run({++id, used[i]});
    transaction.commit();
  }
}

uint64_t CacheFile::entries() {
  return static_cast<uint64_t>(connection_->number("SELECT count(*) FROM entry"));
}

void CacheFile::clear() {
  connection_->run("DELETE FROM entry; PRAGMA incremental_vacuum; PRAGMA wal_checkpoint(TRUNCATE)");
}

}  // namespace molrt
