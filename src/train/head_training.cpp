#include "train/head_training.h"

#include <cmath>

#include "train/members.h"

namespace molrt {
namespace {

bool has_representation(const HeadTrainingData& data, size_t row) {
  const auto width = static_cast<size_t>(data.width);
  for (const float x : data.representations.subspan(row * width, width))
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
std::vector<float> scaled_held_out(const Fold& fold, const Head& head) {
  const auto width = static_cast<size_t>(fold.data.width);
  const auto count = static_cast<size_t>(fold.data.targets);
  std::vector<float> outputs(fold.split.held_out.size() * count);
  for (size_t i = 0; i < fold.split.held_out.size(); ++i)
    head_forward(head, fold.data.representations.data() + fold.split.held_out[i] * width, 1,
                 outputs.data() + i * count);
  return outputs;
}

FoldFit fit_head(const Fold& fold, const LoopCallbacks& callbacks, MemberCheckpoint& checkpoint) {
  FoldFit fit =
      fold.settings.ridge ? ridge(fold, callbacks) : fit_adam(fold, callbacks, checkpoint);
  fit.head = fold_columns_into(fold.columns, std::move(fit.head));
  fit.held_out = scaled_held_out(fold, fit.head);
  return fit;
}

}  // namespace

HeadTrainingResult train_heads(const HeadTrainingData& data, const Settings& settings,
                               const TrainingRun& run) {
  const HeadSettings effective = read_head_settings(settings);
  const UsedRows rows =
      find_used_rows(data, [&](size_t row) { return has_representation(data, row); });
  return train_members({data, settings, effective, run.threads, run}, rows, fit_head);
}

}  // namespace molrt
