#include "train/head_training.h"

#include <cmath>

#include "base/error.h"
#include "model/mc.h"
#include "train/learn_errors.h"
#include "train/mc_settings.h"
#include "train/members.h"
#include "train/unlabelled.h"

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

// For a head that has its columns' scaling in itself.
Fold as_stored(Fold fold) {
  fold.columns = identity_columns(fold.data.width);
  return fold;
}

// With the head as it is stored, so that the model predicts the same for these rows.
std::vector<float> predicted_outputs(const Fold& fold, const Head& head) {
  return head_outputs(as_stored(fold), head, predicted_rows(fold));
}

// The stored head's passes over the raw representations, as at prediction.
void sample_head(const Fold& fold, const DropoutRates& rates, int passes,
                 const LoopCallbacks& callbacks, FoldFit& fit) {
  const std::vector<RowConformer> items = fold.data.conformers.all(fold.split.held_out);
  const std::vector<uint32_t> ids = molecules_of(items);
  const std::vector<float> inputs = gather(as_stored(fold), items);
  std::vector<float> outputs(items.size() * static_cast<size_t>(fit.head.outputs));
  HeadActivations activations;
  sample_held_out(fold, passes, callbacks, fit, [&](uint32_t sample) {
    head_forward_training(fit.head, inputs.data(), head_noise(rates, sample, ids), activations,
                          outputs.data());
    return outputs;
  });
}

FoldFit fit_head(const Fold& fold, const DropoutRates& rates, int passes,
                 const LoopCallbacks& callbacks, MemberCheckpoint& checkpoint) {
  FoldFit fit =
      fold.settings.ridge ? ridge(fold, callbacks) : fit_adam(fold, callbacks, checkpoint);
  fit.head = fold_columns_into(fold.columns, std::move(fit.head));
  if (!rates.any()) fit.head.centre.clear();
  fit.outputs = predicted_outputs(fold, fit.head);
  sample_head(fold, rates, passes, callbacks, fit);
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
  const DropoutRates rates = dropout_rates(settings, 0, 0);
  const int passes = held_out_passes(settings, rates);
  const auto fit = [&](const Fold& fold, const LoopCallbacks& callbacks,
                       MemberCheckpoint& checkpoint) {
    return fit_head(fold, rates, passes, callbacks, checkpoint);
  };
  return train_members({data, settings, effective, run.threads, run, rates, passes}, rows, fit);
}

}  // namespace molrt
