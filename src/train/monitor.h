#pragma once
// Between the threads that train and the caller's thread.
#include <atomic>
#include <mutex>
#include <utility>

#include "base/error.h"
#include "train/fold.h"
#include "train/head_settings.h"
#include "train/head_training.h"

namespace molrt {

// Carries the folds' epochs to the calling thread, and its wish to stop back to them.
class Monitor {
 public:
  Monitor(const HeadSettings& settings, const TrainingCallback& progress,
          const CancelFlag& cancelled)
      : epochs_(settings.ridge ? 1 : settings.epochs),
        folds_(settings.folds),
        progress_(progress),
        cancelled_(cancelled) {}

  // From any thread; worker 0 is the calling one. Throws CANCELLED.
  void epoch_done(int worker, const Fold& fold, int epoch, double train_loss, double valid_loss) {
    TrainingProgress item = {
        static_cast<int>(fold.index), folds_, epoch, epochs_, 0, 0, train_loss, valid_loss};
    item.train_rows = fold.split.train.size();
    item.held_out_rows = fold.split.held_out.size();
    post(item);
    if (worker == 0) deliver();
    check_cancelled();
  }

  // On the calling thread.
  void deliver() {
    for (TrainingProgress& item : take()) {
      item.done = ++done_;
      item.total = static_cast<uint64_t>(epochs_) * static_cast<uint64_t>(folds_);
      if (progress_ && progress_(item)) stop_ = true;
      check_cancelled();
    }
  }

  void check_cancelled() const {
    if (stop_ || (cancelled_ && cancelled_()))
      fail(MOLRT_ERROR_CANCELLED, "the training was cancelled");
  }

 private:
  void post(const TrainingProgress& item) {
    std::lock_guard lock(mutex_);
    waiting_.push_back(item);
  }
  std::vector<TrainingProgress> take() {
    std::lock_guard lock(mutex_);
    return std::exchange(waiting_, {});
  }

  int epochs_, folds_;
  const TrainingCallback& progress_;
  const CancelFlag& cancelled_;
  std::atomic<bool> stop_{false};
  std::mutex mutex_;
  std::vector<TrainingProgress> waiting_;
  uint64_t done_ = 0;
};

}  // namespace molrt
