#include "train/head_training.h"

#include <cmath>

#include "base/error.h"
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
std::vector<float> predicted_outputs(const Fold& fold, const Head& head) {
  const auto width = static_cast<size_t>(fold.data.width);
  const std::vector<size_t> rows = predicted_rows(fold);
  std::vector<float> outputs(rows.size() * fold.outputs());
  for (size_t i = 0; i < rows.size(); ++i)
    head_forward(head, fold.data.representations.data() + rows[i] * width, 1,
                 outputs.data() + i * fold.outputs());
  return outputs;
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
  if (effective.ridge && !data.weights.empty())
    fail(MOLRT_ERROR_UNSUPPORTED, "solver=ridge takes no sample weights; solver=adam does");
  const UsedRows rows = find_used_rows(data, effective.task.task,
                                       [&](size_t row) { return has_representation(data, row); });
  return train_members({data, settings, effective, run.threads, run}, rows, fit_head);
}

}  // namespace molrt
