#include "train/evaluation.h"

#include <cmath>

#include "model/task.h"

namespace molrt {
namespace {

struct Labels {
  std::vector<float> labels;    // [rows, targets]
  std::vector<double> weights;  // [rows], or empty
};

Labels labels_of(const Fold& fold, std::span<const size_t> rows) {
  Labels result;
  for (const size_t row : rows) {
    for (size_t t = 0; t < fold.targets(); ++t)
      result.labels.push_back(scaled_target(fold, row, t));
    if (!fold.data.weights.empty()) result.weights.push_back(fold.data.weights[row]);
  }
  return result;
}

LossBatch loss_batch(const Fold& fold, const Labels& labels, size_t rows, const float* outputs) {
  return {rows,    fold.outputs(),       fold.targets(),
          outputs, labels.labels.data(), labels.weights.empty() ? nullptr : labels.weights.data()};
}

}  // namespace

LossSum fold_loss(const Fold& fold, std::span<const size_t> rows, const float* outputs,
                  float* d_outputs, double weight) {
  const Labels labels = labels_of(fold, rows);
  return evaluate_loss(fold.loss, loss_batch(fold, labels, rows.size(), outputs), d_outputs,
                       weight);
}

double fold_weight(const Fold& fold, std::span<const size_t> rows) {
  return label_weight(fold.loss, loss_batch(fold, labels_of(fold, rows), rows.size(), nullptr));
}

std::vector<double> mean_activation(const Fold& fold, std::span<const float> outputs) {
  const size_t count = fold.outputs(), conformers = outputs.size() / count;
  std::vector<double> mean(count), scaled(count);
  for (size_t c = 0; c < conformers; ++c) {
    activate(fold.plan.task, outputs.subspan(c * count, count), scaled.data());
    for (size_t k = 0; k < count; ++k) mean[k] = c == 0 ? scaled[k] : mean[k] + scaled[k];
  }
  for (double& value : mean) value /= static_cast<double>(conformers);
  return mean;
}

std::vector<float> finish_rows(const Fold& fold, std::span<const size_t> rows,
                               std::span<const float> outputs) {
  std::vector<float> predictions;
  for (const size_t row : rows) {
    const size_t own = fold.data.conformers.count(row) * fold.outputs();
    const std::vector<double> scaled = mean_activation(fold, outputs.first(own));
    for (size_t i = 0; i < scaled.size(); ++i)
      predictions.push_back(static_cast<float>(fold.scalers[i].inverse(scaled[i])));
    outputs = outputs.subspan(own);
  }
  return predictions;
}

Outcomes outcomes_of(const Fold& fold, size_t target, std::span<const size_t> rows,
                     std::span<const float> predictions) {
  const size_t columns = fold.plan.task == Task::multiclass ? fold.outputs() : 1;
  Outcomes outcomes{{}, {}, columns};
  for (size_t i = 0; i < rows.size(); ++i) {
    outcomes.measured.push_back(fold.data.values[rows[i] * fold.targets() + target]);
    const auto own = predictions.subspan(i * fold.outputs() + (columns == 1 ? target : 0), columns);
    outcomes.predicted.insert(outcomes.predicted.end(), own.begin(), own.end());
  }
  return outcomes;
}

double mean_metric(const Fold& fold, Metric metric, std::span<const size_t> rows,
                   std::span<const float> predictions) {
  double sum = 0, count = 0;
  for (size_t target = 0; target < fold.targets(); ++target) {
    const double value = evaluate_metric(metric, outcomes_of(fold, target, rows, predictions));
    if (std::isnan(value)) continue;
    sum += value;
    count += 1;
  }
  return sum / count;
}

std::optional<Metric> shown_metric(const Fold& fold) {
  const TaskSettings& task = fold.settings.task;
  if (!task.metric_is_auto) return task.metric;
  if (is_classification(fold.plan.task)) return Metric::auroc;
  return fold.targets() == 1 ? Metric::rmse : Metric::r2;
}

const char* shown_metric_name(const Fold& fold) {
  const auto metric = shown_metric(fold);
  return metric ? metric_name(*metric) : "loss";
}

Evaluation evaluate_outputs(const Fold& fold, std::span<const size_t> rows,
                            std::span<const float> outputs) {
  const LossSum loss = fold_loss(fold, rows, mean_outputs(fold, rows, outputs).data(), nullptr);
  Evaluation result{loss, loss.mean(), loss.mean()};
  const auto metric = shown_metric(fold);
  if (metric) result.metric = mean_metric(fold, *metric, rows, finish_rows(fold, rows, outputs));
  if (fold.settings.task.metric)
    result.score = higher_is_better(*metric) ? -result.metric : result.metric;
  return result;
}

}  // namespace molrt
