#pragma once
// What a run tells its caller, and whether the caller has stopped it.
#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>

namespace molrt {

// stage (MOLRT_STAGE_*), done, total; from the calling thread; true stops the run (CANCELLED).
using RunProgress = std::function<bool(int stage, size_t done, size_t total)>;

// Any worker may count and ask; only the calling thread (worker 0) tells.
class Watch {
 public:
  Watch(const RunProgress& progress, int stage, size_t total)
      : progress_(progress), stage_(stage), total_(total) {}

  size_t total() const { return total_; }
  void count_one() { ++done_; }
  // Asked within a molecule, by any worker; tells, but not more often than a person notices.
  bool stops(int worker);
  void tell_or_cancel();

 private:
  bool tell();

  using Clock = std::chrono::steady_clock;
  const RunProgress& progress_;
  int stage_;
  size_t total_;
  std::atomic<size_t> done_{0};
  std::atomic<bool> stopped_{false};
  Clock::time_point last_ = Clock::now();
};

}  // namespace molrt
