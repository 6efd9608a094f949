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
#include "train/method.h"
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
  TaskPlan plan;
  std::vector<TargetScaler> scalers;  // [outputs]; the identity for classes
  ColumnScaler columns;               // of the representation
  InputScaler inputs;                 // of what stands beside it
  Loss loss;
  int last_epoch = 0;  // 0: as the settings say
  const StartingPoint* start = nullptr;
  int base_fold = 0;  // of the base model: what a whole network begins with
  std::shared_ptr<Methods> methods = std::make_shared<Methods>();  // of this network alone

  size_t targets() const { return static_cast<size_t>(data.targets); }
  size_t outputs() const { return plan.outputs.size(); }
};

Head first_head(const Fold& fold);
// What training changes of a head; the weights decay, the biases do not.
std::vector<TrainedTensor> head_tensors(Head& head, Head& gradient, double decay);

// DATA error if a target is constant or has no value in the training part.
Fold make_fold(const HeadTrainingData& data, const HeadSettings& settings, const TaskPlan& plan,
               const MemberId& member, Split split);

// Those whose predictions a report looks at: held out, or where a fold holds nothing out the
// training rows (for the warning of constant predictions).
const std::vector<size_t>& watched_rows(const Fold& fold);
// The watched rows and, behind them, those of the test.
std::vector<size_t> predicted_rows(const Fold& fold);

// Over the MC passes, [held-out rows, outputs], own units; empty without dropout.
struct HeldOutMoments {
  std::vector<float> mean, variance;
};

struct FoldFit {
  Head head;          // on raw inputs, as a model has it
  TensorMap encoder;  // of a whole network, plain names; else empty
  HeldOutMoments mc;
  LoopResult loop;                   // no epochs for ridge
  std::vector<double> ridge_lambda;  // [targets] for ridge
  // Of the conformers of predicted_rows(), [conformers, outputs]: scaled, or logits.
  std::vector<float> outputs;
};

LoopSettings loop_settings(const Fold& fold);

FoldFit fit_adam(const Fold& fold, const LoopCallbacks& callbacks, MemberCheckpoint& checkpoint);
FoldFit fit_ridge(const Fold& fold, const std::function<void()>& check_cancelled);

// NaN: none.
float scaled_target(const Fold& fold, size_t row, size_t target);
// What the head reads beside a row's representation, scaled, [inputs].
void scaled_inputs(const Fold& fold, size_t row, float* out);
// The head's inputs, scaled, [items, head_width].
std::vector<float> gather(const Fold& fold, std::span<const RowConformer> items);
// What the head gives for all conformers of the rows in evaluation mode, [conformers, outputs]:
// scaled values or logits.
std::vector<float> head_outputs(const Fold& fold, const Head& head, std::span<const size_t> rows);
// Their means, [rows, outputs].
std::vector<float> mean_outputs(const Fold& fold, std::span<const size_t> rows,
                                std::span<const float> outputs);

}  // namespace molrt
