#include "train/head_training.h"

#include <cmath>
#include <limits>

#include "base/error.h"
#include "base/parallel.h"
#include "train/fold.h"
#include "train/monitor.h"
#include "train/report.h"
#include "train/rows.h"

namespace molrt {
namespace {

bool has_representation(const HeadTrainingData& data, size_t row) {
  const auto width = static_cast<size_t>(data.width);
  const size_t conformers = data.conformers.count(row);
  if (conformers == 0) return false;
  const size_t first = data.conformers.place({row, 0});
  for (const float x : data.representations.subspan(first * width, conformers * width))
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

// With the head as it is stored, so that the model predicts the same for these rows.
void predict_held_out(const Fold& fold, const Head& head, std::vector<float>& held_out) {
  const auto count = static_cast<size_t>(fold.data.targets);
  Fold stored = fold;
  stored.columns = identity_columns(fold.data.width);  // they are in the head
  for (const size_t row : fold.split.held_out) {
    const auto items = fold.data.conformers.all({&row, 1});
    std::vector<float> outputs(items.size() * count);
    head_forward(head, gather(stored, items).data(), items.size(), outputs.data());
    const std::vector<double> means = fold.data.conformers.means({&row, 1}, outputs, count);
    for (size_t t = 0; t < count; ++t)
      held_out[row * count + t] = static_cast<float>(fold.scalers[t].inverse(means[t]));
  }
}

}  // namespace

HeadTrainingResult train_heads(const HeadTrainingData& data, const Settings& settings, int threads,
                               const TrainingCallback& progress, const CancelFlag& cancelled) {
  const HeadSettings effective = read_head_settings(settings);
  const UsedRows rows =
      find_used_rows(data, [&](size_t row) { return has_representation(data, row); });
  const std::vector<Fold> folds = make_folds(data, effective, rows.used);
  Monitor monitor(effective, progress, cancelled);
  const std::vector<FoldFit> fits = fit_folds(folds, threads, monitor);

  HeadTrainingResult result;
  result.held_out.assign(data.values.size(), std::numeric_limits<float>::quiet_NaN());
  for (size_t i = 0; i < folds.size(); ++i) {
    result.folds.push_back(
        {fold_columns_into(folds[i].columns, fits[i].head), folds[i].inputs, folds[i].scalers});
    predict_held_out(folds[i], result.folds.back().head, result.held_out);
  }
  result.report = training_report(data, settings, rows, folds, fits, result.held_out);
  return result;
}

}  // namespace molrt
