#pragma once
// Between the threads that train and the caller's thread.
#include <atomic>
#include <chrono>
#include <mutex>
#include <vector>

#include "train/head_training.h"
#include "train/loop.h"

namespace molrt {

// What is to be done: each member's epochs, at most, and then its passes over what it holds out.
struct MonitorPlan {
  size_t members;
  int epochs, passes;
  const char* metric;
};

// Carries the members' steps and epochs to the calling thread, and its wish to stop back to them.
class Monitor {
 public:
  Monitor(const MonitorPlan& plan, const TrainingCallback& progress, const CancelFlag& cancelled);

  void rows_known(size_t member, size_t train, size_t held_out);  // told from now on
  // From any thread; worker 0 is the calling one. Both throw CANCELLED.
  void epoch_done(int worker, size_t member, const EpochRecord& record);
  void step_done(int worker, size_t member, uint64_t step, uint64_t steps, double loss);
  void pass_done(int worker, size_t member, int pass);
  LoopCallbacks callbacks(int worker, size_t member);
  void member_done(size_t member);
  // One that an earlier run has trained.
  void member_known(size_t member, const LoopResult& result);

  void deliver();  // on the calling thread
  void check_cancelled() const;

 private:
  struct Member {
    TrainingProgress last;  // what was last told of it
    uint64_t steps = 0, planned = 0;
    bool done = false;
  };
  TrainingProgress with_totals(TrainingProgress item);
  // With the lock held: worker 0 tells of a member, but not too often.
  bool tell(int worker, TrainingProgress item);
  double epochs_part(const Member& member) const;
  double part_done() const;

  MonitorPlan plan_;
  const TrainingCallback& progress_;
  const CancelFlag& cancelled_;
  std::atomic<bool> stop_{false};
  mutable std::mutex mutex_;
  std::vector<Member> members_;
  std::vector<TrainingProgress> waiting_;
  uint64_t done_ = 0;  // epochs told of
  std::chrono::steady_clock::time_point told_ = std::chrono::steady_clock::now();
};

}  // namespace molrt
