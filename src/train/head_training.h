#pragma once
// 4. Training a head on a frozen encoder: representations come in once, heads go out.
#include <cstdint>
#include <functional>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "base/tensor.h"
#include "model/head_inputs.h"
#include "model/target_scaler.h"
#include "model/task.h"
#include "model/uncertainty.h"
#include "nn/head.h"
#include "train/conformers.h"
#include "train/settings.h"

namespace molrt {

constexpr double nan_loss = std::numeric_limits<double>::quiet_NaN();  // not known

// What a network begins with instead of a fresh head and its own scaling.
struct StartingPoint {
  Head head;
  InputScaler inputs;                 // of what stands beside CLS
  std::vector<TargetScaler> scalers;  // [targets]
};

struct HeadTrainingData {
  size_t rows = 0;
  int width = 0;  // of a representation
  int targets = 0;
  ConformerTable conformers;
  std::span<const float> representations;  // [conformers, width]; those of no use are NaN
  HeadInputs inputs;                       // what stands beside CLS, without scalers
  std::span<const float> beside;           // [rows, inputs], unscaled; NaN: missing
  std::span<const double> values;          // [rows, targets], own units or classes; NaN: no value
  std::vector<std::string> target_names;   // [targets], for messages and the report
  // The user's columns, [rows]; the empty ones are not there.
  std::span<const double> weights;         // of the loss, >= 0; none: all 1
  std::span<const std::string> molecules;  // the same text for the same molecule; none: all differ
  std::span<const std::string> groups;     // of split=group, or the scaffolds
  std::span<const int32_t> parts;          // of split=column and split=file: MOLRT_PART_* or a fold
  std::vector<StartingPoint> starts;       // of member i: number i, again and again; empty: none
  size_t base_folds = 1;                   // networks of the base model; member i begins likewise
  std::vector<size_t> unlabelled;          // usable rows without labels (train/conformers.h)
  size_t unlabelled_rows = 0;              // all of them; `beside` has them behind the others
  std::vector<std::string> warnings;       // that the report begins with
  std::string counted;                     // counted_json()
  size_t line(size_t row) const {          // of `beside`
    return row < first_unlabelled_row ? row : rows + (row - first_unlabelled_row);
  }
  int head_width() const { return width + static_cast<int>(inputs.size()); }
};

// What the head gives for the targets. All of a task's outputs are its targets', but of multiclass,
// whose one target has an output a class.
struct TaskPlan {
  Task task = Task::regression;
  size_t classes = 0;                // of a label; 0: measured values
  std::vector<std::string> outputs;  // names
};

struct TrainedHead {
  Head head;                          // predicts scaled values, or logits
  InputScaler inputs;                 // of what stands beside CLS, fitted likewise
  std::vector<TargetScaler> scalers;  // [outputs], fitted on this fold's training rows
  TensorMap encoder;                  // of a whole network, plain names; else empty
};

// The report is one JSON object; numbers that are not defined are null:
//   rows      total = used + without_target (all cells empty) + failed (no representation) +
//             outside_split (in no part of the given split)
//   split     units (molecules, scaffolds or groups that the split kept whole), repeated_molecules
//             (with several of the rows) and repeated_rows (their rows), left_out (rows of a given
//             split whose molecule is on another side), test_rows
//   settings  those that took effect, by name
//   counted   of gradient steps: what the regularisation weighs and costs (train/counted.h)
//   task, targets, outputs  (names); classes (of a label; only of classes)
//   metric    what valid_metric is
//   folds     an array of the networks (folds x seeds): seed, split, train_rows, held_out_rows,
//             epochs (run; 0 for ridge), best_epoch (whose parameters were kept), train_loss,
//             valid_loss (scaled units) and valid_metric there, ridge_lambda (an array by target;
//             ridge only), targets (held-out metrics), history (an array: epoch, train_loss,
//             valid_loss, metric, lr; with molecules without values spread_ratio: how far their
//             predictions spread, by those of training rows)
//   held_out  metrics over the held-out rows of all folds, an array by target: name, n (values);
//             of measured values mse, rmse, mae, r2, pearson, spearman; of classes class_counts
//             (by class), auroc, auprc, accuracy, f1, mcc, logloss (train/metrics.h; a class above
//             .5, sample weights do not count) and threshold (as stored; binary and multilabel);
//             mean_rmse ...: the same for predicting the mean of the fold's training rows, which of
//             classes is their frequencies
//   held_out_mean  of several targets: each metric's mean over those for which it is defined
//   test      as held_out over the test rows, predicted by the trained model; empty without
//   unlabelled  where there are molecules without values: rows, and those used
//   inputs    where more than CLS is read: columns (names), descriptors and morgan_bits (numbers of
//             them), rows_with_missing, constant (names of columns and descriptors that are, in the
//             training rows of some member, and so without effect there), constant_morgan_bits
//   uncertainty  (with held-out rows) predict (det, mc), samples, calibration, between_members;
//             gain_of_mc: rmse (in the targets' standard deviations) that MC predictions gain, and
//             the bound above which 95 % of bootstrap samples lie; targets: an array of name, n,
//             and for det, and mc where there is dropout: rmse, spread (root mean square of the raw
//             one), a and b of sigma^2 = a spread^2 + b, and, raw and calibrated (by the other half
//             of the rows: what new molecules will see), nll, spearman (of |error| and sigma) and
//             coverage (level, seen, half_width); gap: mean and rms of mc - det
//   early_stopping_on_held_out  true if the held-out rows also chose the epoch: the metrics are
//             then a little optimistic
//   interrupted  true if it was cancelled and this is the best by then
//   warnings  an array of sentences
struct HeadTrainingResult {
  TaskPlan plan;
  std::vector<TrainedHead> folds;  // those that the model averages
  // [rows, outputs], own units or probabilities: by the members that had the row held out; of the
  // test, by the model; NaN for the other rows.
  std::vector<float> held_out;
  std::vector<int32_t> parts;  // [rows]: SplitPlan's
  // [outputs] of binary and multilabel with held-out rows: best_threshold(), .5 where it is not
  // defined; else empty.
  std::vector<double> thresholds;
  std::string report;         // JSON, see above and molrt_job_get_report
  std::string errors_report;  // JSON: the report's key `uncertainty`; "" without
  Uncertainty uncertainty;    // for the model's card
  // Of the held-out rows as `held_out`, by a calibration on the others: error bars (standard
  // deviations), and intervals that should have held_out_level of the values; NaN without.
  std::vector<float> error, low, high;
  bool interrupted = false;  // it was cancelled: what there was by then
};

struct TrainingProgress {
  int fold = 0, folds = 0;  // of the networks in training: folds x seeds
  int epoch = 0, epochs = 0;
  uint64_t done = 0, total = 0;  // epochs of all of them
  double train_loss = nan_loss, valid_loss = nan_loss;
  uint64_t step = 0, steps = 0;  // optimiser steps of all of them; steps 0: not known
  double valid_metric = nan_loss;
  const char* metric_name = "";
  double learning_rate = nan_loss;
  bool epoch_done = false;  // else it tells of a step within `epoch`, and train_loss is its batch's
  size_t train_rows = 0, held_out_rows = 0;  // of this fold
  double part = 0;                           // of all members' work
  int pass = 0, passes = 0;                  // with dropout, over the held-out rows
};
// Called on the calling thread; returns true to stop, which throws CANCELLED. Epochs of folds on
// other threads are told when the calling thread next finishes an epoch of its own, or at the end.
// Steps are told of at most every 50 ms.
using TrainingCallback = std::function<bool(const TrainingProgress&)>;
// Polled by every fold before each batch (ridge: each part of the rows that it reads), from any
// thread.
using CancelFlag = std::function<bool()>;

class Checkpoint;

// How a run goes, which changes nothing of what comes out of it.
struct TrainingRun {
  int threads = 1;
  TrainingCallback progress = {};
  CancelFlag cancelled = {};
  const Checkpoint* checkpoint = nullptr;  // null: nothing is kept on the disk
};

// DATA errors name what is wrong with the labels (constant, infinite, fewer rows than folds ...).
// The same settings and data give the same bytes, whatever the run. CANCELLED if it was
// stopped before any network had finished an epoch.
HeadTrainingResult train_heads(const HeadTrainingData& data, const Settings& settings,
                               const TrainingRun& run);

}  // namespace molrt
