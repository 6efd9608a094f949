#include "cache/conformer_cache.h"

#include <fmt/format.h>

#include <filesystem>
#include <new>
#include <utility>

#include "base/error.h"
#include "base/text.h"
#include "cache/conformer_record.h"

namespace molrt {
namespace {

namespace fs = std::filesystem;

constexpr size_t found_at_once = 512;  // keys in a read transaction

uint64_t size_of_file(const std::string& path) {
  std::error_code not_there;
  const auto size = fs::file_size(path, not_there);
  return not_there ? 0 : size;
}

[[noreturn]] void fail_file(int32_t status, const std::string& path, const std::string& why) {
  fail(status, "conformer cache {}: {}", as_utf8(path), as_utf8(why));
}

// Does with the file what is asked; false where there is none.
template <typename Work>
bool with_file(const std::string& path, CacheFile::Use use, const Work& work) {
  std::error_code unknown;
  if (!fs::exists(path, unknown) && !unknown) return false;
  try {
    CacheFile file(path, usual_cache_bytes, use);
    work(file);
  } catch (const CacheRefused& e) {
    fail_file(MOLRT_ERROR_FORMAT, path, e.what());
  } catch (const SqliteError& e) {
    if (e.code() == SQLITE_NOMEM) throw std::bad_alloc();
    fail_file(e.code() == SQLITE_CORRUPT ? MOLRT_ERROR_FORMAT : MOLRT_ERROR_IO, path, e.what());
  }
  return true;
}

// The process may change its directory before the file is opened.
std::string absolute(const std::string& path) {
  std::error_code nowhere;
  const auto whole = fs::absolute(path, nowhere);
  return nowhere ? path : whole.string();
}

}  // namespace

ConformerCache::ConformerCache(const std::string& path, uint64_t max_bytes, Warn warn)
    : path_(absolute(path)), max_bytes_(max_bytes), warn_(std::move(warn)) {}

void ConformerCache::silence() {
  const std::lock_guard lock(mutex_);
  warn_ = {};
}

void ConformerCache::warn(const std::string& text) {
  const std::lock_guard lock(mutex_);
  if (warn_) warn_(fmt::format("conformer cache {}: {}", as_utf8(path_), as_utf8(text)));
}

// What is lost stays so, and one warning is enough.
void ConformerCache::turn(State state, const std::string& why) {
  State before = State::in_use;
  if (state_.compare_exchange_strong(before, state))
    warn(why + (state == State::lost ? "; conformers are made without it"
                                     : "; conformers are taken from it, and none are added"));
  else if (state == State::lost)
    state_ = state;
}

bool ConformerCache::tell_damage() {
  if (told_damage_.exchange(true)) return false;
  warn("it was damaged, has been emptied and begins anew");
  return true;
}

CacheSession::CacheSession(ConformerCache* cache) : cache_(cache) {
  if (cache_ && cache_->state() != ConformerCache::State::lost) open();
}

CacheSession::~CacheSession() = default;

void CacheSession::open() {
  try {
    file_ = std::make_unique<CacheFile>(cache_->path_, cache_->max_bytes_, CacheFile::Use::keep);
    if (file_->is_read_only())
      cache_->turn(ConformerCache::State::read_only, "it cannot be written");
    if (file_->was_damaged()) cache_->tell_damage();
  } catch (const SqliteError& e) {
    handle(Doing::opening, e);
  }
}

// A process that was forked from the one that opened the file leaves it alone.
template <typename Work>
void CacheSession::attempt(Doing doing, const Work& work) {
  if (!file_ || !file_->is_ours()) return;
  try {
    work();
  } catch (const SqliteError& e) {
    handle(doing, e);
  }
}

void CacheSession::handle(Doing doing, const SqliteError& error) {
  const int code = error.code();
  if (code == SQLITE_NOMEM) return file_.reset();  // it may be there the next time
  if (code == SQLITE_CORRUPT && doing != Doing::opening) return begin_anew();
  const bool of_file =
      code == SQLITE_FULL || code == SQLITE_READONLY || code == SQLITE_IOERR || code == SQLITE_BUSY;
  if (doing == Doing::writing && of_file)
    return cache_->turn(ConformerCache::State::read_only, error.what());
  file_.reset();
  cache_->turn(ConformerCache::State::lost, error.what());
}

// One that is damaged again and again is of no use.
void CacheSession::begin_anew() {
  try {
    if (cache_->told_damage_) throw SqliteError(SQLITE_CORRUPT, "it was damaged again");
    file_->empty_damaged();
    cache_->tell_damage();
  } catch (const SqliteError& e) {
    handle(Doing::opening, e);
  }
}

void CacheSession::find(std::span<const WantedConformer> wanted,
                        const std::function<void(size_t, ConformerResult)>& found) {
  for (size_t begin = 0; file_ && begin < wanted.size(); begin += found_at_once) {
    const auto some = wanted.subspan(begin, std::min(found_at_once, wanted.size() - begin));
    std::vector<std::string> keys;
    for (const auto& [text, options] : some) keys.push_back(conformer_key(*text, *options));
    attempt(Doing::finding, [&] {
      file_->find(keys, [&](size_t i, std::string_view value) {
        auto result = read_conformer(value);
        if (!result || !fits(*result, *some[i].options)) return;
        ++cache_->found_;
        found(begin + i, std::move(*result));
      });
    });
  }
  attempt(Doing::writing, [&] { file_->note_uses(); });
}

void CacheSession::add(const WantedConformer& made, const ConformerResult& result) {
  if (!cache_ || !is_worth_keeping(result)) return;
  ++cache_->built_;
  if (file_) added_.push_back({conformer_key(*made.text, *made.options), conformer_value(result)});
}

void CacheSession::write() {
  const std::vector<CacheEntry> entries = std::exchange(added_, {});
  if (entries.empty() || cache_->state() != ConformerCache::State::in_use) return;
  attempt(Doing::writing, [&] { file_->keep(entries); });
}

CacheFacts conformer_cache_facts(const std::string& path) {
  CacheFacts facts;
  with_file(path, CacheFile::Use::inspect,
            [&](CacheFile& file) { facts.entries = file.entries(); });
  facts.bytes = size_of_file(path) + size_of_file(path + "-wal");
  return facts;
}

void clear_conformer_cache(const std::string& path) {
  with_file(path, CacheFile::Use::keep, [&](CacheFile& file) {
    if (file.is_read_only()) fail_file(MOLRT_ERROR_IO, path, "it cannot be written");
    file.clear();
  });
}

}  // namespace molrt
