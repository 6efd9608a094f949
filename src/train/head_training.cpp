#include "train/head_training.h"

#include <atomic>
#include <cmath>
#include <limits>
#include <mutex>

#include "base/error.h"
#include "base/parallel.h"
#include "train/fold.h"
#include "train/report.h"

namespace molrt {
namespace {

bool has_representation(const HeadTrainingData& data, size_t row) {
  const auto width = static_cast<size_t>(data.width);
  for (const float x : data.representations.subspan(row * width, width))
    if (!std::isfinite(x)) return false;
  return true;
}

// Checks the row's cells on the way.
bool has_target(const HeadTrainingData& data, size_t row) {
  const auto count = static_cast<size_t>(data.targets);
  bool found = false;
  for (size_t target = 0; target < count; ++target) {
    const double value = data.values[row * count + target];
    if (std::isinf(value))
      fail(MOLRT_ERROR_DATA, "row {}: target '{}' is infinite", row + 1, data.target_names[target]);
    if (std::fabs(value) > std::numeric_limits<float>::max())
      fail(MOLRT_ERROR_DATA, "row {}: target '{}' is {}, beyond float32", row + 1,
           data.target_names[target], value);
    found = found || !std::isnan(value);
  }
  return found;
}

UsedRows find_used_rows(const HeadTrainingData& data) {
  if (data.rows > most_rows)
    fail(MOLRT_ERROR_UNSUPPORTED, "{} rows; at most {} can be trained on", data.rows, most_rows);
  UsedRows rows;
  for (size_t row = 0; row < data.rows; ++row) {
    const bool labelled = has_target(data, row);
    if (!has_representation(data, row))
      ++rows.failed;
    else if (!labelled)
      ++rows.without_target;
    else
      rows.used.push_back(row);
  }
  if (rows.used.empty())
    fail(MOLRT_ERROR_DATA,
         "no row can be trained on: of {} rows {} have no target value and {} molecules failed",
         data.rows, rows.without_target, rows.failed);
  return rows;
}

std::vector<Fold> make_folds(const HeadTrainingData& data, const HeadSettings& settings,
                             const std::vector<size_t>& rows) {
  std::vector<Fold> folds;
  for (Split& split : random_splits(rows, settings.folds, settings.valid_fraction, settings.seed))
    folds.push_back(
        make_fold(data, settings, static_cast<uint32_t>(folds.size()), std::move(split)));
  return folds;
}

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
  void epoch_done(int worker, uint32_t fold, int epoch, double train_loss, double valid_loss) {
    post({static_cast<int>(fold), folds_, epoch, epochs_, 0, 0, train_loss, valid_loss});
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

FoldFit fit_fold(const Fold& fold, int worker, Monitor& monitor) {
  const auto check_cancelled = [&] { monitor.check_cancelled(); };
  const auto after_epoch = [&](int epoch, double train_loss, double valid_loss) {
    monitor.epoch_done(worker, fold.index, epoch, train_loss, valid_loss);
  };
  if (!fold.settings.ridge) return fit_adam(fold, after_epoch, check_cancelled);
  FoldFit fit = fit_ridge(fold, check_cancelled);
  after_epoch(1, fit.loop.train_loss, fit.loop.valid_loss);
  return fit;
}

std::vector<FoldFit> fit_folds(const std::vector<Fold>& folds, int threads, Monitor& monitor) {
  std::vector<FoldFit> fits(folds.size());
  parallel_for(threads, folds.size(),
               [&](size_t i, int worker) { fits[i] = fit_fold(folds[i], worker, monitor); });
  monitor.deliver();
  return fits;
}

// With the head as it is stored, so that the model predicts the same for these rows.
void predict_held_out(const Fold& fold, const Head& head, std::vector<float>& held_out) {
  const auto width = static_cast<size_t>(fold.data.width);
  const auto count = static_cast<size_t>(fold.data.targets);
  for (const size_t row : fold.split.held_out) {
    float* out = held_out.data() + row * count;
    head_forward(head, fold.data.representations.data() + row * width, 1, out);
    for (size_t t = 0; t < count; ++t) out[t] = static_cast<float>(fold.scalers[t].inverse(out[t]));
  }
}

}  // namespace

HeadTrainingResult train_heads(const HeadTrainingData& data, const Settings& settings, int threads,
                               const TrainingCallback& progress, const CancelFlag& cancelled) {
  const HeadSettings effective = read_head_settings(settings);
  const UsedRows rows = find_used_rows(data);
  const std::vector<Fold> folds = make_folds(data, effective, rows.used);
  Monitor monitor(effective, progress, cancelled);
  const std::vector<FoldFit> fits = fit_folds(folds, threads, monitor);

  HeadTrainingResult result;
  result.held_out.assign(data.values.size(), std::numeric_limits<float>::quiet_NaN());
  for (size_t i = 0; i < folds.size(); ++i) {
    result.folds.push_back({fold_columns_into(folds[i].columns, fits[i].head), folds[i].scalers});
    predict_held_out(folds[i], result.folds.back().head, result.held_out);
  }
  result.report = training_report(data, settings, rows, folds, fits, result.held_out);
  return result;
}

}  // namespace molrt
