#pragma once
// One fold: its rows, their scalings, and the two ways to fit its head.
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "nn/head.h"
#include "train/head_settings.h"
#include "train/head_training.h"
#include "train/loop.h"
#include "train/scaling.h"
#include "train/split.h"

namespace molrt {

struct Fold {
  const HeadTrainingData& data;
  const HeadSettings& settings;
  uint32_t index;
  Split split;
  std::vector<TargetScaler> scalers;
  ColumnScaler columns;  // of the representation
  InputScaler inputs;    // of what stands beside it
};

// DATA error if a target is constant or has no value in the training part.
Fold make_fold(const HeadTrainingData& data, const HeadSettings& settings, uint32_t index,
               Split split);

struct FoldFit {
  Head head;                         // on scaled columns
  LoopResult loop;                   // no epochs for ridge
  std::vector<double> ridge_lambda;  // [targets] for ridge
};

LoopSettings loop_settings(const HeadSettings& settings, uint32_t fold);

FoldFit fit_adam(const Fold& fold, const EpochCallback& after_epoch,
                 const CancelCheck& check_cancelled);
FoldFit fit_ridge(const Fold& fold, const CancelCheck& check_cancelled);

// NaN: none.
float scaled_target(const Fold& fold, size_t row, size_t target);
std::vector<float> scaled_targets(const Fold& fold, std::span<const size_t> rows);
// What the head reads beside a row's representation, scaled, [inputs].
void scaled_inputs(const Fold& fold, size_t row, float* out);
// The head's inputs, scaled, [items, head_width].
std::vector<float> gather(const Fold& fold, std::span<const RowConformer> items);
// The epoch's conformer of each row.
std::vector<RowConformer> training_items(const Fold& fold, std::span<const size_t> rows,
                                         uint32_t step);
Head new_head(const Fold& fold);
// The loss over the rows' labels, evaluation mode.
LossSum sum_loss(const Fold& fold, const Head& head, std::span<const size_t> rows);

}  // namespace molrt
