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
  ColumnScaler columns;
};

// DATA error if a target is constant or has no value in the training part.
Fold make_fold(const HeadTrainingData& data, const HeadSettings& settings, uint32_t index,
               Split split);

// Over the MC passes, [held-out rows, outputs], own units; empty without dropout.
struct HeldOutMoments {
  std::vector<float> mean, variance;
};

struct FoldFit {
  HeldOutMoments mc;
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
// The rows' scaled representations, [rows, width], and targets, [rows, targets].
void gather(const Fold& fold, std::span<const size_t> rows, std::vector<float>& representations,
            std::vector<float>& targets);
// The loss over the rows' labels, evaluation mode.
LossSum sum_loss(const Fold& fold, const Head& head, std::span<const size_t> rows);

}  // namespace molrt
