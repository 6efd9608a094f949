#include "train/head_training.h"

#include <cmath>

#include "base/error.h"
#include "base/parallel.h"
#include "train/fold.h"
#include "train/monitor.h"
#include "train/report.h"
#include "train/rows.h"
#include "train/unseen.h"

namespace molrt {
namespace {

bool has_representation(const HeadTrainingData& data, size_t row) {
  const auto width = static_cast<size_t>(data.width);
  for (const float x : data.representations.subspan(row * width, width))
    if (!std::isfinite(x)) return false;
  return true;
}

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

// Scaled outputs [rows, targets]: with the head as it is stored, so that the model predicts the
// same.
std::vector<float> predict(const Fold& fold, const Head& head, std::span<const size_t> rows) {
  const auto width = static_cast<size_t>(fold.data.width);
  const auto count = static_cast<size_t>(fold.data.targets);
  std::vector<float> outputs(rows.size() * count);
  for (size_t i = 0; i < rows.size(); ++i)
    head_forward(head, fold.data.representations.data() + rows[i] * width, 1,
                 outputs.data() + i * count);
  return outputs;
}

}  // namespace

HeadTrainingResult train_heads(const HeadTrainingData& data, const Settings& settings, int threads,
                               const TrainingCallback& progress, const CancelFlag& cancelled) {
  const HeadSettings effective = read_head_settings(settings);
  const UsedRows rows =
      find_used_rows(data, [&](size_t row) { return has_representation(data, row); });
  const SplitPlan plan = plan_split(data, effective.split, rows.used);
  const std::vector<Fold> folds = make_folds(data, effective, plan);
  Monitor monitor(effective, progress, cancelled);
  const std::vector<FoldFit> fits = fit_folds(folds, threads, monitor);

  HeadTrainingResult result;
  UnseenPredictions unseen(data);
  for (size_t i = 0; i < folds.size(); ++i) {
    result.folds.push_back({fold_columns_into(folds[i].columns, fits[i].head), folds[i].scalers});
    const Head& head = result.folds.back().head;
    unseen.add(folds[i], [&](const auto& part) { return predict(folds[i], head, part); });
  }
  result.held_out = unseen.take();
  result.parts = plan.parts;
  result.report = training_report(data, settings, rows, plan, folds, fits, result.held_out);
  return result;
}

}  // namespace molrt
