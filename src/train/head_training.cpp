#include "train/head_training.h"

#include <cmath>

#include "train/members.h"

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

FoldFit ridge(const Fold& fold, const LoopCallbacks& callbacks) {
  FoldFit fit = fit_ridge(fold, callbacks.check_cancelled);
  EpochRecord told = fit.loop.best;
  told.epoch = 1;
  callbacks.after_epoch(told);
  return fit;
}

// With the head as it is stored, so that the model predicts the same for these rows.
std::vector<float> predicted_outputs(const Fold& fold, const Head& head) {
  Fold stored = fold;
  stored.columns = identity_columns(fold.data.width);  // they are in the head
  return head_outputs(stored, head, predicted_rows(fold));
}

FoldFit fit_head(const Fold& fold, const LoopCallbacks& callbacks, MemberCheckpoint& checkpoint) {
  FoldFit fit =
      fold.settings.ridge ? ridge(fold, callbacks) : fit_adam(fold, callbacks, checkpoint);
  fit.head = fold_columns_into(fold.columns, std::move(fit.head));
  fit.outputs = predicted_outputs(fold, fit.head);
  return fit;
}

}  // namespace

HeadTrainingResult train_heads(const HeadTrainingData& data, const Settings& settings,
                               const TrainingRun& run) {
  const HeadSettings effective = read_head_settings(settings);
  const UsedRows rows = find_used_rows(data, effective.task.task,
                                       [&](size_t row) { return has_representation(data, row); });
  return train_members({data, settings, effective, run.threads, run}, rows, fit_head);
}

}  // namespace molrt
