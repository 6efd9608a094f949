#include "train/report.h"

#include <nlohmann/json.hpp>

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

Json targets_json(std::span<const Fold> folds, const std::vector<float>& held_out) {
  Json json = Json::array();
  const auto& names = folds.front().data.target_names;
  for (size_t target = 0; target < names.size(); ++target) {
    HeldOut rows;
    for (const Fold& fold : folds) collect(fold, target, held_out, rows);
    json.push_back(metrics_json(names[target], rows));
  }
  return json;
}

Json fold_json(const Fold& fold, const FoldFit& fit, const std::vector<float>& held_out) {
  Json json = {{"train_rows", fold.split.train.size()},
               {"held_out_rows", fold.split.held_out.size()},
               {"epochs", fit.loop.epochs},
               {"best_epoch", fit.loop.best_epoch},
               {"train_loss", fit.loop.train_loss},
               {"valid_loss", fit.loop.valid_loss}};
  if (fold.settings.ridge) json["ridge_lambda"] = fit.ridge_lambda;
  json["targets"] = targets_json({&fold, 1}, held_out);
  return json;
}

}  // namespace

std::string training_report(const HeadTrainingData& data, const Settings& settings,
                            const UsedRows& rows, const std::vector<Fold>& folds,
                            const std::vector<FoldFit>& fits, const HeadTrainingResult& result) {
  const std::vector<float>& held_out = result.held_out;
  Json json;
  json["rows"] = {{"total", data.rows},
                  {"used", rows.used.size()},
                  {"without_target", rows.without_target},
                  {"failed", rows.failed}};
  json["settings"] = Json::parse(settings.to_json());
  json["folds"] = Json::array();
  for (size_t i = 0; i < folds.size(); ++i)
    json["folds"].push_back(fold_json(folds[i], fits[i], held_out));
  json["held_out"] = targets_json(folds, held_out);
  if (!result.errors_report.empty()) json["uncertainty"] = Json::parse(result.errors_report);
  const HeadSettings& effective = folds.front().settings;
  json["early_stopping_on_held_out"] = !effective.ridge && effective.patience > 0;
  // Names come from files and may not be UTF-8.
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace molrt
