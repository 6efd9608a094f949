#include "cache/sqlite.h"

#include <fmt/format.h>
#include <pthread.h>
#include <unistd.h>

#include <atomic>
#include <cstring>

namespace molrt {
namespace {

constexpr int patience = 10'000;  // milliseconds for other processes' transactions

std::atomic<int> connections{0};
std::atomic<bool> forked_within{false};

void after_fork_in_child() {
  if (connections > 0) forked_within = true;
}

const int watching_forks = pthread_atfork(nullptr, nullptr, after_fork_in_child);

// As SQLite wants a path that options follow.
std::string as_uri(const std::string& path) {
  std::string uri = "file:";
  for (const char c : path) {
    const bool plain = std::isalnum(static_cast<unsigned char>(c)) || std::strchr("/._-", c);
    uri += plain ? std::string(1, c) : fmt::format("%{:02x}", static_cast<unsigned char>(c));
  }
  return uri;
}

sqlite3* open(const std::string& path, SqliteConnection::Access access) {
  using Access = SqliteConnection::Access;
  const int flags = access == Access::create     ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
                    : access == Access::existing ? SQLITE_OPEN_READWRITE
                                                 : SQLITE_OPEN_READONLY;
  const std::string uri = as_uri(path) + (access == Access::immutable ? "?immutable=1" : "");
  sqlite3* handle = nullptr;
  const int code =
      sqlite3_open_v2(uri.c_str(), &handle, flags | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX, nullptr);
  if (code == SQLITE_OK) return handle;
  const std::string text = handle ? sqlite3_errmsg(handle) : "out of memory";
  const int error = handle ? sqlite3_system_errno(handle) : 0;
  sqlite3_close_v2(handle);
  throw SqliteError(code, error ? fmt::format("{} ({})", text, std::strerror(error)) : text);
}

}  // namespace

SqliteConnection::SqliteConnection(const std::string& path, Access access) : process_(getpid()) {
  if (forked_within)
    throw SqliteError(SQLITE_MISUSE, "this process was forked while another thread was using it");
  handle_.reset(open(path, access));
  ++connections;
  sqlite3_busy_timeout(get(), patience);
  // A file may come from anybody: nothing in it is run.
  sqlite3_db_config(get(), SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  sqlite3_db_config(get(), SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, nullptr);
  sqlite3_db_config(get(), SQLITE_DBCONFIG_ENABLE_VIEW, 0, nullptr);
}

SqliteConnection::~SqliteConnection() {
  if (!is_ours()) (void)handle_.release();  // closing it would take part in the parent's work
  --connections;
}

bool SqliteConnection::is_ours() const { return getpid() == process_; }

bool SqliteConnection::is_read_only() const { return sqlite3_db_readonly(get(), "main") == 1; }

SqliteError SqliteConnection::error(int code) const {
  const int number = sqlite3_system_errno(get());
  const bool of_system = code == SQLITE_IOERR || code == SQLITE_CANTOPEN;
  std::string text = sqlite3_errmsg(get());
  if (of_system && number) text += fmt::format(" ({})", std::strerror(number));
  return {code, text};
}

void SqliteConnection::run(const char* sql) {
  if (const int code = sqlite3_exec(get(), sql, nullptr, nullptr, nullptr)) throw error(code);
}

int64_t SqliteConnection::number(const char* sql) {
  SqliteStatement statement(*this, sql);
  return statement.next() ? statement.number(0) : 0;
}

SqliteStatement::SqliteStatement(SqliteConnection& connection, const char* sql)
    : connection_(connection) {
  sqlite3_stmt* made = nullptr;
  const int code =
      sqlite3_prepare_v3(connection.get(), sql, -1, SQLITE_PREPARE_PERSISTENT, &made, nullptr);
  handle_.reset(made);
  if (code != SQLITE_OK) throw connection.error(code);
}

void SqliteStatement::start(std::initializer_list<Value> values) {
  reset();
  int place = 0;
  for (const Value& value : values) {
    ++place;
    const auto* blob = std::get_if<std::string_view>(&value);
    const int code =
        blob ? sqlite3_bind_blob64(handle_.get(), place, blob->data(), blob->size(), SQLITE_STATIC)
             : sqlite3_bind_int64(handle_.get(), place, std::get<int64_t>(value));
    if (code != SQLITE_OK) throw connection_.error(code);
  }
}

bool SqliteStatement::next() {
  const int code = sqlite3_step(handle_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) {
    reset();
    return false;
  }
  const SqliteError error = connection_.error(code);
  reset();  // lets go of the file
  throw error;
}

std::string_view SqliteStatement::blob(int column) {
  const auto* bytes = static_cast<const char*>(sqlite3_column_blob(handle_.get(), column));
  const int size = sqlite3_column_bytes(handle_.get(), column);
  return bytes ? std::string_view(bytes, static_cast<size_t>(size)) : std::string_view();
}

SqliteTransaction::~SqliteTransaction() {
  // Some failures have rolled it back already.
  if (!sqlite3_get_autocommit(connection_.get()))
    sqlite3_exec(connection_.get(), "ROLLBACK", nullptr, nullptr, nullptr);
}

}  // namespace molrt
