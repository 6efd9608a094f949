#pragma once
// SQLite's connections and statements, freed where they go out of scope, and its failures as
// exceptions. A connection is used by one thread, in the process that opened it.
#include <sqlite3.h>

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <variant>

namespace molrt {

class SqliteError : public std::runtime_error {
 public:
  SqliteError(int code, const std::string& text) : std::runtime_error(text), code_(code) {}
  int code() const { return code_ & 0xff; }  // SQLITE_*, without its extension

 private:
  int code_;
};

template <auto free>
struct SqliteFree {
  void operator()(auto* handle) const { free(handle); }
};

class SqliteConnection {
 public:
  // create: and made if it is not there. immutable: without locks and without a log beside it, for
  // what nobody can write to.
  enum class Access { create, existing, immutable };
  // Nothing has been read yet: what is wrong with the file, its first statement tells.
  // SQLITE_MISUSE in a process that was forked while another thread was in SQLite, whose locks it
  // would wait for.
  SqliteConnection(const std::string& path, Access access);
  ~SqliteConnection();
  SqliteConnection(const SqliteConnection&) = delete;
  SqliteConnection& operator=(const SqliteConnection&) = delete;

  void run(const char* sql);
  int64_t number(const char* sql);  // in the first column of the first row
  bool is_read_only() const;
  // Whether the file is written to by this process; one that was forked since must not touch it.
  bool is_ours() const;
  sqlite3* get() const { return handle_.get(); }
  SqliteError error(int code) const;  // of the last call, which returned `code`

 private:
  std::unique_ptr<sqlite3, SqliteFree<sqlite3_close_v2>> handle_;
  int process_;
};

class SqliteStatement {
 public:
  using Value = std::variant<int64_t, std::string_view>;  // a number, or a blob
  SqliteStatement(SqliteConnection& connection, const char* sql);
  // With these values for its parameters, which must live until it is reset.
  void start(std::initializer_list<Value> values);
  bool next();                                   // whether there is another row
  void run(std::initializer_list<Value> values)  // to the end
  {
    start(values);
    while (next()) {
    }
  }
  void reset() { sqlite3_reset(handle_.get()); }
  int64_t number(int column) { return sqlite3_column_int64(handle_.get(), column); }
  std::string_view blob(int column);  // until the next row

 private:
  SqliteConnection& connection_;
  std::unique_ptr<sqlite3_stmt, SqliteFree<sqlite3_finalize>> handle_;
};

// Rolled back unless it is committed.
class SqliteTransaction {
 public:
  SqliteTransaction(SqliteConnection& connection, const char* begin) : connection_(connection) {
    connection.run(begin);
  }
  ~SqliteTransaction();
  SqliteTransaction(const SqliteTransaction&) = delete;
  SqliteTransaction& operator=(const SqliteTransaction&) = delete;
  void commit() { connection_.run("COMMIT"); }

 private:
  SqliteConnection& connection_;
};

}  // namespace molrt
