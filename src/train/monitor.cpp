#include "train/monitor.h"

#include <algorithm>
#include <utility>

#include "base/error.h"

namespace molrt {
namespace {

// Steps are told of so often only: those of a head take microseconds.
constexpr auto between_steps = std::chrono::milliseconds(50);

}  // namespace

Monitor::Monitor(size_t members, int epochs, const char* metric, const TrainingCallback& progress,
                 const CancelFlag& cancelled)
    : epochs_(epochs), progress_(progress), cancelled_(cancelled), members_(members) {
  for (size_t i = 0; i < members; ++i) {
    members_[i].last.fold = static_cast<int>(i);
    members_[i].last.folds = static_cast<int>(members);
    members_[i].last.epochs = epochs;
    members_[i].last.metric_name = metric;
  }
}

LoopCallbacks Monitor::callbacks(int worker, size_t member) {
  return {.after_epoch = [=, this](const EpochRecord& r) { epoch_done(worker, member, r); },
          .after_step = [=, this](uint64_t step, uint64_t steps,
                                  double loss) { step_done(worker, member, step, steps, loss); },
          .check_cancelled = [this] { check_cancelled(); }};
}

void Monitor::epoch_done(int worker, size_t member, const EpochRecord& record) {
  {
    std::lock_guard lock(mutex_);
    TrainingProgress& item = members_[member].last;
    item.epoch = record.epoch;
    item.train_loss = record.train_loss;
    item.valid_loss = record.valid_loss;
    item.valid_metric = record.metric;
    item.learning_rate = record.lr;
    item.epoch_done = true;
    waiting_.push_back(item);
  }
  if (worker == 0) deliver();
  check_cancelled();
}

void Monitor::rows_known(size_t member, size_t train, size_t held_out) {
  std::lock_guard lock(mutex_);
  members_[member].last.train_rows = train;
  members_[member].last.held_out_rows = held_out;
}

void Monitor::step_done(int worker, size_t member, uint64_t step, uint64_t steps, double loss) {
  std::unique_lock lock(mutex_);
  Member& m = members_[member];
  m.steps = step;
  m.planned = steps;
  const auto now = std::chrono::steady_clock::now();
  if (worker != 0 || now - told_ < between_steps) return;
  told_ = now;
  TrainingProgress item = m.last;
  item.epoch += item.epoch < epochs_;  // the one that it is in
  item.train_loss = loss;
  item.epoch_done = false;
  waiting_.push_back(item);
  lock.unlock();
  deliver();
}

void Monitor::member_done(size_t member, const LoopResult& result) {
  std::lock_guard lock(mutex_);
  members_[member].last.epoch = result.epochs;
  done_ += static_cast<uint64_t>(result.epochs);
}

TrainingProgress Monitor::with_totals(TrainingProgress item) {
  std::lock_guard lock(mutex_);
  item.total = static_cast<uint64_t>(epochs_) * members_.size();
  item.done = done_ += item.epoch_done;
  uint64_t planned = 0;
  for (const Member& m : members_) {
    item.step += m.steps;
    planned = std::max(planned, m.planned);
  }
  item.steps = planned * members_.size();
  return item;
}

void Monitor::deliver() {
  std::vector<TrainingProgress> items;
  {
    std::lock_guard lock(mutex_);
    items = std::exchange(waiting_, {});
  }
  for (const TrainingProgress& item : items) {
    if (progress_ && progress_(with_totals(item))) stop_ = true;
    check_cancelled();
  }
}

void Monitor::check_cancelled() const {
  if (stop_ || (cancelled_ && cancelled_()))
    fail(MOLRT_ERROR_CANCELLED, "the training was cancelled");
}

}  // namespace molrt
