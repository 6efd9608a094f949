#include "train/report.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "train/held_out.h"
#include "train/input_report.h"
#include "train/metrics.h"

namespace molrt {
namespace {

using Json = nlohmann::ordered_json;

// What a target's held-out rows measured, what was predicted, and the mean of the training rows.
struct HeldOut {
  std::vector<double> measured, predicted, mean;
};

double training_mean(const Fold& fold, size_t target) {
  const auto count = static_cast<size_t>(fold.data.targets);
  double sum = 0, n = 0;
  for (const size_t row : fold.split.train)
    if (const double value = fold.data.values[row * count + target]; !std::isnan(value)) {
      sum += value;
      n += 1;
    }
  return sum / n;
}

void collect(const Fold& fold, size_t target, const std::vector<float>& held_out, HeldOut& result) {
  const auto count = static_cast<size_t>(fold.data.targets);
  const double mean = training_mean(fold, target);
  for (const size_t row : fold.split.held_out) {
    result.measured.push_back(fold.data.values[row * count + target]);
    result.predicted.push_back(held_out[row * count + target]);
    result.mean.push_back(mean);
  }
}

Json metrics_json(const std::string& name, const HeldOut& rows) {
  const Metrics model = evaluate_metrics(rows.measured, rows.predicted);
  const Metrics mean = evaluate_metrics(rows.measured, rows.mean);
  return {{"name", name},   {"n", model.n},           {"rmse", model.rmse},   {"mae", model.mae},
          {"r2", model.r2}, {"mean_rmse", mean.rmse}, {"mean_mae", mean.mae}, {"mean_r2", mean.r2}};
}

Json targets_json(std::span<const Fold* const> folds, const std::vector<float>& held_out) {
  Json json = Json::array();
  const auto& names = folds.front()->data.target_names;
  for (size_t target = 0; target < names.size(); ++target) {
    HeldOut rows;
    for (const Fold* fold : folds) collect(*fold, target, held_out, rows);
    json.push_back(metrics_json(names[target], rows));
  }
  return json;
}

Json history_json(const LoopResult& loop) {
  Json history = Json::array();
  for (const EpochRecord& r : loop.history)
    history.push_back({{"epoch", r.epoch},
                       {"train_loss", r.train_loss},
                       {"valid_loss", r.valid_loss},
                       {"metric", r.metric},
                       {"lr", r.lr}});
  return history;
}

Json fold_json(const Fold* fold, const FoldFit* fit) {
  Json json = {{"seed", fold->seed},
               {"split", fold->index},
               {"train_rows", fold->split.train.size()},
               {"held_out_rows", fold->split.held_out.size()},
               {"epochs", fit->loop.epochs},
               {"best_epoch", fit->loop.best.epoch},
               {"train_loss", fit->loop.best.train_loss},
               {"valid_loss", fit->loop.best.valid_loss}};
  if (fold->settings.ridge) json["ridge_lambda"] = fit->ridge_lambda;
  json["targets"] =
      targets_json({&fold, 1}, held_out_predictions(fold->data, {&fold, 1}, {&fit, 1}));
  json["history"] = history_json(fit->loop);
  return json;
}

// Each split once, though several seeds may have been trained on it.
std::vector<const Fold*> splits_of(std::span<const Fold* const> folds) {
  std::vector<const Fold*> splits;
  for (const Fold* fold : folds)
    if (std::none_of(splits.begin(), splits.end(),
                     [&](const Fold* known) { return known->index == fold->index; }))
      splits.push_back(fold);
  return splits;
}

}  // namespace

std::string training_report(const HeadTrainingData& data, const Settings& settings,
                            const UsedRows& rows, std::span<const Fold* const> folds,
                            std::span<const FoldFit* const> fits,
                            const HeadTrainingResult& result) {
  Json json;
  json["rows"] = {{"total", data.rows},
                  {"used", rows.used.size()},
                  {"without_target", rows.without_target},
                  {"failed", rows.failed}};
  json["settings"] = Json::parse(settings.to_json());
  json["folds"] = Json::array();
  for (size_t i = 0; i < folds.size(); ++i) json["folds"].push_back(fold_json(folds[i], fits[i]));
  json["held_out"] = targets_json(splits_of(folds), result.held_out);
  const HeadSettings& effective = folds.front()->settings;
  json["early_stopping_on_held_out"] = !effective.ridge && effective.patience > 0;
  if (data.inputs.size() > 0) json["inputs"] = input_report(data, folds, rows.used);
  json["interrupted"] = result.interrupted;
  // Names come from files and may not be UTF-8.
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace molrt
