#include "train/head_training.h"

#include <cmath>

#include "base/error.h"
#include "model/mc.h"
#include "train/learn_errors.h"
#include "train/mc_settings.h"
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

// The stored head's passes over the raw representations, as at prediction.
void sample_head(const Fold& fold, const DropoutRates& rates, int samples,
                 const LoopCallbacks& callbacks, FoldFit& fit) {
  const auto width = static_cast<size_t>(fold.data.width);
  const std::vector<size_t>& rows = fold.split.held_out;
  const std::vector<uint32_t> ids(rows.begin(), rows.end());
  std::vector<float> inputs, outputs(rows.size() * static_cast<size_t>(fit.head.outputs));
  for (const size_t row : rows) {
    const auto own = fold.data.representations.subspan(row * width, width);
    inputs.insert(inputs.end(), own.begin(), own.end());
  }
  HeadActivations activations;
  sample_held_out(fold, rates, samples, callbacks, fit, [&](uint32_t sample) {
    head_forward_training(fit.head, inputs.data(), head_noise(rates, sample, ids), activations,
                          outputs.data());
    return outputs;
  });
}

FoldFit fit_head(const Fold& fold, const DropoutRates& rates, int samples,
                 const LoopCallbacks& callbacks, MemberCheckpoint& checkpoint) {
  FoldFit fit =
      fold.settings.ridge ? ridge(fold, callbacks) : fit_adam(fold, callbacks, checkpoint);
  fit.head = fold_columns_into(fold.columns, std::move(fit.head));
  if (!rates.any()) fit.head.centre.clear();
  fit.outputs = predicted_outputs(fold, fit.head);
  sample_head(fold, rates, samples, callbacks, fit);
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
  const int samples = read_mc_settings(settings).samples;
  const auto fit = [&](const Fold& fold, const LoopCallbacks& callbacks,
                       MemberCheckpoint& checkpoint) {
    return fit_head(fold, rates, samples, callbacks, checkpoint);
  };
  return train_members({data, settings, effective, run.threads, run, rates}, rows, fit);
}

}  // namespace molrt
