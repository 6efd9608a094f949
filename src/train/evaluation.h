#pragma once
// What a head's outputs are worth: the loss that is trained on, the metric that is followed, and
// the values that a user sees.
#include <optional>

#include "train/fold.h"

namespace molrt {

// The loss of the rows' outputs [rows, outputs], and unless d_outputs is null the gradient of the
// mean, as evaluate_loss().
LossSum fold_loss(const Fold& fold, std::span<const size_t> rows, const float* outputs,
                  float* d_outputs, double weight = 0);
// The weight of the rows' labels: what the mean of a batch is over.
double fold_weight(const Fold& fold, std::span<const size_t> rows);

// One row's outputs [conformers, outputs] -> their mean as Batch::predict takes it, [outputs]: of
// scaled values, or of probabilities.
std::vector<double> mean_activation(const Fold& fold, std::span<const float> outputs);
// Of many rows' conformers [conformers, outputs] (what is behind them is not read) what the fold's
// network predicts, bit for bit as Model::finish has it, [rows, outputs]: values in the targets'
// own units, or probabilities.
std::vector<float> finish_rows(const Fold& fold, std::span<const size_t> rows,
                               std::span<const float> outputs);

// One target's labels and predictions [rows, outputs], as metrics take them.
Outcomes outcomes_of(const Fold& fold, size_t target, std::span<const size_t> rows,
                     std::span<const float> predictions);
// The mean over the targets for which it is defined; NaN if there is none.
double mean_metric(const Fold& fold, Metric metric, std::span<const size_t> rows,
                   std::span<const float> predictions);

// That progress shows (the setting `metric`); none: the loss.
std::optional<Metric> shown_metric(const Fold& fold);
const char* shown_metric_name(const Fold& fold);  // "rmse" ..., "loss"

// Of held-out rows between two epochs, outputs [conformers, outputs]: the loss of their means; the
// metric, shown_metric(), of what is predicted.
Evaluation evaluate_outputs(const Fold& fold, std::span<const size_t> rows,
                            std::span<const float> outputs);

}  // namespace molrt
