#pragma once
// Conformers that were made before, by any process: a file that may be of no use at any moment,
// which is told once and never fails a run or a row.
#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cache/cache_file.h"
#include "chem/conformer.h"

namespace molrt {

constexpr uint64_t usual_cache_bytes = uint64_t{1} << 30;

// Shared by all that one context made; any thread may use it.
class ConformerCache {
 public:
  using Warn = std::function<void(const std::string&)>;
  enum class State { in_use, read_only, lost };

  // Nothing is opened yet. max_bytes at least smallest_cache.
  ConformerCache(const std::string& path, uint64_t max_bytes, Warn warn);

  State state() const { return state_; }
  uint64_t found() const { return found_; }
  uint64_t built() const { return built_; }
  void silence();  // whoever wanted the warnings is gone

 private:
  friend class CacheSession;
  void turn(State state, const std::string& why);
  bool tell_damage();  // false: not for the first time
  void warn(const std::string& text);

  const std::string path_;
  const uint64_t max_bytes_;
  std::mutex mutex_;  // of warn_
  Warn warn_;
  std::atomic<State> state_{State::in_use};
  std::atomic<bool> told_damage_{false};
  std::atomic<uint64_t> found_{0}, built_{0};
};

struct WantedConformer {
  const MoleculeText* text;
  const ConformerOptions* options;
};

// One run's use of the file, which is open until the session ends. Of one thread.
class CacheSession {
 public:
  // Null: there is no cache, and the calls do nothing.
  explicit CacheSession(ConformerCache* cache);
  ~CacheSession();

  // Calls found(i, result) for each that is there, with MOLRT_ROW_OK.
  void find(std::span<const WantedConformer> wanted,
            const std::function<void(size_t, ConformerResult)>& found);
  // Of what was made those that are worth it are kept by the next write().
  void add(const WantedConformer& made, const ConformerResult& result);
  void write();

 private:
  enum class Doing { opening, finding, writing };
  template <typename Work>
  void attempt(Doing doing, const Work& work);
  void open();
  void handle(Doing doing, const SqliteError& error);
  void begin_anew();

  ConformerCache* cache_;
  std::unique_ptr<CacheFile> file_;
  std::vector<CacheEntry> added_;
};

// What `molrt cache` does with a file, which need not be there. IO and FORMAT errors.
struct CacheFacts {
  uint64_t entries = 0, bytes = 0;  // with its log
};
CacheFacts conformer_cache_facts(const std::string& path);
void clear_conformer_cache(const std::string& path);

}  // namespace molrt
