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

// Which of a run's networks it is.
struct MemberId {
  size_t number = 0;
  uint32_t split = 0;
  uint64_t seed = 0;
};

struct Fold {
  const HeadTrainingData& data;
  const HeadSettings& settings;
  uint32_t index;  // of the split
  uint64_t seed;   // of initial weights, batch order and dropout
  Split split;
  std::vector<TargetScaler> scalers;
  ColumnScaler columns;  // of the representation
  InputScaler inputs;    // of what stands beside it
  int last_epoch = 0;    // 0: as the settings say
  const StartingPoint* start = nullptr;
  int base_fold = 0;  // of the base model: what a whole network begins with
};

Head first_head(const Fold& fold);

// DATA error if a target is constant or has no value in the training part.
Fold make_fold(const HeadTrainingData& data, const HeadSettings& settings, const MemberId& member,
               Split split);

struct FoldFit {
  Head head;                         // on raw inputs, as a model has it
  TensorMap encoder;                 // of a whole network, plain names; else empty
  LoopResult loop;                   // no epochs for ridge
  std::vector<double> ridge_lambda;  // [targets] for ridge
  std::vector<double> held_out;      // [held-out rows, targets], scaled: means over conformers
};

LoopSettings loop_settings(const Fold& fold);

FoldFit fit_adam(const Fold& fold, const LoopCallbacks& callbacks, MemberCheckpoint& checkpoint);
FoldFit fit_ridge(const Fold& fold, const std::function<void()>& check_cancelled);

// NaN: none.
float scaled_target(const Fold& fold, size_t row, size_t target);
std::vector<float> scaled_targets(const Fold& fold, std::span<const size_t> rows);
// What the head reads beside a row's representation, scaled, [inputs].
void scaled_inputs(const Fold& fold, size_t row, float* out);
// The head's inputs, scaled, [items, head_width].
std::vector<float> gather(const Fold& fold, std::span<const RowConformer> items);
// The head's scaled outputs, evaluation mode, [rows, targets]: means over conformers.
std::vector<double> mean_outputs(const Fold& fold, const Head& head, std::span<const size_t> rows);
// Over the rows' labels, evaluation mode.
Evaluation evaluate_head(const Fold& fold, const Head& head, std::span<const size_t> rows);

}  // namespace molrt
