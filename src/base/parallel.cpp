#include "base/parallel.h"

#include <dirent.h>
#include <execinfo.h>
#include <omp.h>
#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>
#include <latch>
#include <mutex>
#include <new>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace molrt {
namespace {

// libgomp's team does not survive a fork, and the child's first parallel region would wait for it
// for ever. Whether the parent had one cannot be asked; that it had several threads can.
bool parent_had_threads = false;        // as seen just before the last fork
std::atomic<bool> serial_child{false};  // this process is such a parent's child

void before_fork() {
  DIR* tasks = opendir("/proc/self/task");
  int count = 0;
  while (tasks && readdir(tasks)) ++count;
  if (tasks) closedir(tasks);
  parent_had_threads = count != 3;  // ".", ".." and this thread alone
}

void after_fork_in_child() {
  if (parent_had_threads) serial_child = true;
}

const int watching_forks = pthread_atfork(before_fork, nullptr, after_fork_in_child);

// libgomp's threads end by pthread_exit, for which glibc loads an unwinder, and ends the process
// where that fails (no memory). backtrace() loads the same one once, and tells.
bool threads_can_end() {
  static const bool loaded = [] {
    void* frame = nullptr;
    return backtrace(&frame, 1) > 0;
  }();
  return loaded;
}

// How many threads of `team` can be had, this one included. libgomp ends the process where it
// cannot start one (a limit of processes or of memory), so whether it could is tried before. Once:
// libgomp keeps the threads of each thread that opens regions.
int startable_team(int team) {
  thread_local int proven = 1;
  if (team <= proven) return team;
  if (!threads_can_end()) return 1;
  std::vector<std::thread> others;
  std::latch end(1);
  try {
    others.reserve(static_cast<size_t>(team));
    while (static_cast<int>(others.size()) + 1 < team) others.emplace_back([&] { end.wait(); });
  } catch (const std::system_error&) {  // no more than these
  } catch (const std::bad_alloc&) {
  }
  end.count_down();
  for (std::thread& other : others) other.join();
  return proven = std::max(proven, static_cast<int>(others.size()) + 1);
}

// The first exception of any worker, and the signal to the others to stop.
class FirstFailure {
 public:
  bool raised() const { return raised_.load(std::memory_order_relaxed); }
  // Runs body(); what it throws is kept.
  template <typename Body>
  void keep_from(const Body& body) {
    try {
      body();
    } catch (...) {
      std::lock_guard lock(mutex_);
      if (!failure_) failure_ = std::current_exception();
      raised_ = true;
    }
  }
  void rethrow() {
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  std::atomic<bool> raised_{false};
  std::mutex mutex_;
  std::exception_ptr failure_;
};

// OpenMP regions run on one thread here already, and need not be opened.
thread_local bool inside_body = false;

struct Inside {
  bool before = std::exchange(inside_body, true);
  ~Inside() { inside_body = before; }
};

}  // namespace

int available_threads() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) return std::max(1, CPU_COUNT(&set));
  return std::max(1, omp_get_num_procs());
}

void parallel_for(int threads, size_t count,
                  const std::function<void(size_t item, int worker)>& body,
                  const std::function<void()>& while_waiting) {
  if (count == 0) return;
  if (threads <= 1 && !while_waiting && inside_body) {
    for (size_t item = 0; item < count; ++item) body(item, 0);
    return;
  }
  int team = static_cast<int>(std::min<size_t>(std::max(1, threads), count));
  team = serial_child ? 1 : startable_team(team);
  std::atomic<size_t> next{0};
  std::atomic<int> busy{team};
  FirstFailure failure;
#pragma omp parallel num_threads(team)
  {
    // An ICV of this region's implicit tasks only: the host's setting returns with the region.
    omp_set_num_threads(1);
    const int worker = omp_get_thread_num();
    const Inside inside;
    for (size_t item; !failure.raised() && (item = next.fetch_add(1)) < count;)
      failure.keep_from([&] { body(item, worker); });
    --busy;
    // libgomp may have given fewer threads than asked for: those never become unbusy.
    busy -= worker == 0 ? team - omp_get_num_threads() : 0;
    while (worker == 0 && while_waiting && busy > 0 && !failure.raised()) {
      failure.keep_from(while_waiting);
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  }
  failure.rethrow();
}

void run_on_one_thread(const std::function<void()>& body) {
  parallel_for(1, 1, [&](size_t, int) { body(); });
}

}  // namespace molrt
