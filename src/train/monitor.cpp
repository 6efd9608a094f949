#include "train/monitor.h"

#include <algorithm>
#include <utility>

#include "base/error.h"

namespace molrt {
namespace {

// Steps are told of so often only: those of a head take microseconds.
constexpr auto between_steps = std::chrono::milliseconds(50);

}  // namespace

Monitor::Monitor(const MonitorPlan& plan, const TrainingCallback& progress,
                 const CancelFlag& cancelled)
    : plan_(plan), progress_(progress), cancelled_(cancelled), members_(plan.members) {
  for (size_t i = 0; i < plan.members; ++i) {
    TrainingProgress& item = members_[i].last;
    item.fold = static_cast<int>(i);
    item.folds = static_cast<int>(plan.members);
    item.epochs = plan.epochs;
    item.metric_name = plan.metric;
  }
}

LoopCallbacks Monitor::callbacks(int worker, size_t member) {
  return {.after_epoch = [=, this](const EpochRecord& r) { epoch_done(worker, member, r); },
          .after_step = [=, this](uint64_t step, uint64_t steps,
                                  double loss) { step_done(worker, member, step, steps, loss); },
          .after_pass = [=, this](int pass) { pass_done(worker, member, pass); },
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
  members_[member].last.passes = held_out > 0 ? plan_.passes : 0;
}

void Monitor::step_done(int worker, size_t member, uint64_t step, uint64_t steps, double loss) {
  std::unique_lock lock(mutex_);
  Member& m = members_[member];
  m.steps = step;
  m.planned = steps;
  TrainingProgress item = m.last;
  item.epoch += item.epoch < plan_.epochs;  // the one that it is in
  item.train_loss = loss;
  if (!tell(worker, item)) return;
  lock.unlock();
  deliver();
}

void Monitor::pass_done(int worker, size_t member, int pass) {
  std::unique_lock lock(mutex_);
  Member& m = members_[member];
  m.last.pass = pass;
  if (!tell(worker, m.last)) return;
  lock.unlock();
  deliver();
}

bool Monitor::tell(int worker, TrainingProgress item) {
  const auto now = std::chrono::steady_clock::now();
  if (worker != 0 || now - told_ < between_steps) return false;
  told_ = now;
  item.epoch_done = false;
  waiting_.push_back(item);
  return true;
}

void Monitor::member_done(size_t member) {
  std::lock_guard lock(mutex_);
  members_[member].done = true;
}

void Monitor::member_known(size_t member, const LoopResult& result) {
  std::lock_guard lock(mutex_);
  members_[member].last.epoch = result.epochs;
  members_[member].done = true;
  done_ += static_cast<uint64_t>(result.epochs);
}

double Monitor::epochs_part(const Member& m) const {
  if (m.planned > 0) return static_cast<double>(m.steps) / static_cast<double>(m.planned);
  return static_cast<double>(m.last.epoch) / plan_.epochs;
}

// The work of a row is 1 forward and 2 on the way back. What is not known yet is as what is.
double Monitor::part_done() const {
  double done = 0, known = 0, known_members = 0, finished = 0;
  for (const Member& m : members_) {
    const auto train = static_cast<double>(m.last.train_rows);
    const auto held_out = static_cast<double>(m.last.held_out_rows);
    const double epochs = plan_.epochs * (3 * train + held_out), passes = m.last.passes * held_out;
    if (train > 0) {
      known += epochs + passes;
      ++known_members;
    }
    if (m.done)
      ++finished;
    else if (train > 0)
      done += epochs_part(m) * epochs + m.last.pass * held_out;
  }
  const double each = known_members > 0 ? known / known_members : 1;
  return (finished * each + done) / (each * static_cast<double>(members_.size()));
}

TrainingProgress Monitor::with_totals(TrainingProgress item) {
  std::lock_guard lock(mutex_);
  item.total = static_cast<uint64_t>(plan_.epochs) * members_.size();
  item.done = done_ += item.epoch_done;
  uint64_t planned = 0;
  for (const Member& m : members_) {
    item.step += m.steps;
    planned = std::max(planned, m.planned);
  }
  item.steps = planned * members_.size();
  item.part = part_done();
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
