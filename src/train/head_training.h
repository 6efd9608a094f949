#pragma once
// 4. Training a head on a frozen encoder: representations come in once, heads go out.
#include <cstdint>
#include <functional>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "model/target_scaler.h"
#include "nn/head.h"
#include "train/settings.h"

namespace molrt {

struct HeadTrainingData {
  size_t rows = 0;
  int width = 0;
  int targets = 0;
  std::span<const float> representations;  // [rows, width]; rows that are not usable are NaN
  std::span<const double> values;          // [rows, targets], own units; NaN: no value
  std::vector<std::string> target_names;   // [targets], for messages and the report
};

struct TrainedHead {
  Head head;                          // predicts scaled values
  std::vector<TargetScaler> scalers;  // [targets], fitted on this fold's training rows
};

// The report is one JSON object; numbers that are not defined are null:
//   rows      total = used + without_target (all cells empty) + failed (no representation)
//   settings  those that took effect, by name
//   folds     an array: train_rows, held_out_rows, epochs (run; 0 for ridge), best_epoch (whose
//             parameters were kept), train_loss and valid_loss there (scaled units), ridge_lambda
//             (an array by target; ridge only), targets (held-out metrics)
//   held_out  metrics over the held-out rows of all folds, an array by target: name, n (values),
//             rmse, mae, r2; mean_rmse, mean_mae, mean_r2: the same for predicting the mean of the
//             fold's training rows
//   early_stopping_on_held_out  true if the held-out rows also chose the epoch: the metrics are
//   then
//             a little optimistic
struct HeadTrainingResult {
  std::vector<TrainedHead> folds;  // one without cross-validation
  std::vector<float> held_out;     // [rows, targets], own units; NaN where a row never was held out
  std::string report;              // JSON, see above and molrt_job_get_report
};

struct TrainingProgress {
  int fold, folds, epoch, epochs;
  uint64_t done, total;  // epochs of all folds
  double train_loss, valid_loss;
  // Unknown: 0, NaN, "".
  uint64_t step = 0, steps = 0;  // of the optimiser, of all folds
  double valid_metric = std::numeric_limits<double>::quiet_NaN();
  const char* metric_name = "";  // a constant
  double learning_rate = std::numeric_limits<double>::quiet_NaN();
  size_t train_rows = 0, held_out_rows = 0;  // of this fold
};
// Called on the calling thread; returns true to stop, which throws CANCELLED. Epochs of folds on
// other threads are told when the calling thread next finishes an epoch of its own, or at the end.
using TrainingCallback = std::function<bool(const TrainingProgress&)>;
// Polled by every fold before each batch (ridge: each part of the rows that it reads), from any
// thread.
using CancelFlag = std::function<bool()>;

// DATA errors name what is wrong with the labels (constant, infinite, fewer rows than folds ...).
// The same settings and data give the same bytes, whatever `threads`. Either callback may be empty.
HeadTrainingResult train_heads(const HeadTrainingData& data, const Settings& settings, int threads,
                               const TrainingCallback& progress, const CancelFlag& cancelled);

}  // namespace molrt
