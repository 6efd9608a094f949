#include "train/report.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "train/evaluation.h"
#include "train/held_out.h"
#include "train/input_report.h"
#include "train/learn_errors.h"
#include "train/task_plan.h"
#include "train/unlabelled.h"
#include "train/warnings.h"

namespace molrt {
namespace {

using Json = nlohmann::ordered_json;

// A target's held-out rows, and what predicting the training rows' mean makes of them.
struct HeldOut {
  Outcomes model, mean;
};

void append(const Outcomes& more, Outcomes& all) {
  all.classes = more.classes;
  all.measured.insert(all.measured.end(), more.measured.begin(), more.measured.end());
  all.predicted.insert(all.predicted.end(), more.predicted.begin(), more.predicted.end());
}

std::vector<double> class_frequencies(const Fold& fold, size_t target) {
  const auto counts = count_classes(fold.data, fold.plan, target, fold.split.train);
  double labels = 0;
  for (const size_t count : counts) labels += static_cast<double>(count);
  std::vector<double> frequencies;
  for (const size_t count : counts) frequencies.push_back(static_cast<double>(count) / labels);
  return frequencies;
}

double training_mean(const Fold& fold, size_t target) {
  double sum = 0, n = 0;
  for (const size_t row : fold.split.train)
    if (const double value = fold.data.values[row * fold.targets() + target]; !std::isnan(value)) {
      sum += value;
      n += 1;
    }
  return sum / n;
}

// One row's prediction that knows nothing of the molecule.
std::vector<double> ignorant_prediction(const Fold& fold, size_t target) {
  return fold.plan.task == Task::multiclass ? class_frequencies(fold, target)
                                            : std::vector{training_mean(fold, target)};
}

std::vector<float> predictions_of(const Fold& fold, std::span<const size_t> rows,
                                  const std::vector<float>& predictions) {
  std::vector<float> own;
  for (const size_t row : rows) {
    const float* first = predictions.data() + row * fold.outputs();
    own.insert(own.end(), first, first + fold.outputs());
  }
  return own;
}

void collect(const Fold& fold, size_t target, const std::vector<float>& predictions,
             HeldOut& result) {
  const std::vector<size_t>& rows = fold.split.held_out;
  Outcomes model = outcomes_of(fold, target, rows, predictions_of(fold, rows, predictions));
  const std::vector<double> mean = ignorant_prediction(fold, target);
  Outcomes ignorant{model.measured, {}, model.classes};
  for (size_t i = 0; i < rows.size(); ++i)
    ignorant.predicted.insert(ignorant.predicted.end(), mean.begin(), mean.end());
  append(model, result.model);
  append(ignorant, result.mean);
}

Json class_counts(const Outcomes& rows, size_t classes) {
  std::vector<size_t> counts(classes);
  for (const double label : rows.measured) ++counts[static_cast<size_t>(label)];
  return counts;
}

Json metrics_json(const Fold& fold, size_t target, const HeldOut& held_out) {
  const Outcomes rows = complete_rows(held_out.model);
  Json json = {{"name", fold.data.target_names[target]}, {"n", rows.measured.size()}};
  if (fold.plan.classes > 0) json["class_counts"] = class_counts(rows, fold.plan.classes);
  for (const Metric metric : metrics_of(fold.plan.task))
    json[metric_name(metric)] = evaluate_metric(metric, held_out.model);
  for (const Metric metric : metrics_of(fold.plan.task))
    json[std::string("mean_") + metric_name(metric)] = evaluate_metric(metric, held_out.mean);
  return json;
}

HeldOut collect_all(std::span<const Fold> folds, size_t target,
                    const std::vector<float>& predictions) {
  HeldOut rows;
  for (const Fold& fold : folds) collect(fold, target, predictions, rows);
  return rows;
}

Json targets_json(std::span<const Fold> folds, const std::vector<float>& predictions) {
  Json json = Json::array();
  for (size_t target = 0; target < folds.front().targets(); ++target)
    json.push_back(metrics_json(folds.front(), target, collect_all(folds, target, predictions)));
  return json;
}

Json mean_json(const Json& targets, Task task) {
  Json json = Json::object();
  for (const std::string prefix : {"", "mean_"})
    for (const Metric metric : metrics_of(task)) {
      double sum = 0, count = 0;
      for (const Json& target : targets)
        if (const double value = target[prefix + metric_name(metric)]; !std::isnan(value))
          sum += value, count += 1;
      json[prefix + metric_name(metric)] = sum / count;
    }
  return json;
}

// The test's rows are measured against the mean of what the folds would say without a molecule, as
// the model predicts the mean of its members.
HeldOut collect_test(std::span<const Fold> folds, size_t target,
                     const std::vector<float>& predictions) {
  const Fold& first = folds.front();
  const std::vector<size_t>& rows = first.split.test;
  Outcomes model = outcomes_of(first, target, rows, predictions_of(first, rows, predictions));
  std::vector<double> mean(model.classes);
  for (const Fold& fold : folds) {
    const std::vector<double> own = ignorant_prediction(fold, target);
    for (size_t c = 0; c < mean.size(); ++c) mean[c] += own[c] / static_cast<double>(folds.size());
  }
  Outcomes ignorant{model.measured, {}, model.classes};
  for (size_t i = 0; i < rows.size(); ++i)
    ignorant.predicted.insert(ignorant.predicted.end(), mean.begin(), mean.end());
  return {std::move(model), std::move(ignorant)};
}

Json test_json(std::span<const Fold> folds, const std::vector<float>& predictions) {
  Json json = Json::array();
  if (folds.front().split.test.empty()) return json;
  for (size_t target = 0; target < folds.front().targets(); ++target)
    json.push_back(metrics_json(folds.front(), target, collect_test(folds, target, predictions)));
  return json;
}

Json split_json(const SplitPlan& plan) {
  return {{"units", plan.units},
          {"repeated_molecules", plan.repeated.molecules},
          {"repeated_rows", plan.repeated.rows},
          {"left_out", plan.left_out},
          {"test_rows", plan.folds.front().test.size()}};
}

Json history_json(const LoopResult& loop) {
  Json history = Json::array();
  for (const EpochRecord& r : loop.history) {
    history.push_back({{"epoch", r.epoch},
                       {"train_loss", r.train_loss},
                       {"valid_loss", r.valid_loss},
                       {"metric", r.metric},
                       {"lr", r.lr}});
    if (!std::isnan(r.spread_ratio)) history.back()["spread_ratio"] = r.spread_ratio;
  }
  return history;
}

Json fold_json(const Fold& fold, const FoldFit* fit) {
  Json json = {{"seed", fold.seed},
               {"split", fold.index},
               {"train_rows", fold.split.train.size()},
               {"held_out_rows", fold.split.held_out.size()},
               {"epochs", fit->loop.epochs},
               {"best_epoch", fit->loop.best.epoch},
               {"train_loss", fit->loop.best.train_loss},
               {"valid_loss", fit->loop.best.valid_loss},
               {"valid_metric", fit->loop.best.metric}};
  if (fold.settings.ridge) json["ridge_lambda"] = fit->ridge_lambda;
  json["targets"] = targets_json({&fold, 1}, member_predictions({&fold, 1}, {&fit, 1}));
  json["history"] = history_json(fit->loop);
  return json;
}

// Each split once, though several seeds may have been trained on it.
std::vector<Fold> splits_of(const std::vector<Fold>& members) {
  std::vector<Fold> splits;
  for (const Fold& member : members)
    if (std::none_of(splits.begin(), splits.end(),
                     [&](const Fold& known) { return known.index == member.index; }))
      splits.push_back(member);
  return splits;
}

bool holds_out(const std::vector<Fold>& folds) {
  return std::any_of(folds.begin(), folds.end(),
                     [](const Fold& fold) { return !fold.split.held_out.empty(); });
}

std::vector<double> find_thresholds(const std::vector<Fold>& folds,
                                    const std::vector<float>& predictions) {
  const TaskPlan& plan = folds.front().plan;
  std::vector<double> thresholds;
  if (plan.task != Task::binary && plan.task != Task::multilabel) return thresholds;
  if (!holds_out(folds)) return thresholds;
  for (size_t target = 0; target < folds.front().targets(); ++target) {
    const double best = best_threshold(collect_all(folds, target, predictions).model);
    thresholds.push_back(std::isnan(best) ? .5 : best);
  }
  return thresholds;
}

Json task_json(const Fold& fold) {
  Json json = {{"task", task_name(fold.plan.task)},
               {"targets", fold.data.target_names},
               {"outputs", fold.plan.outputs}};
  if (fold.plan.classes > 0) json["classes"] = fold.plan.classes;
  json["metric"] = shown_metric_name(fold);
  return json;
}

Json held_out_json(const std::vector<Fold>& folds, const HeadTrainingResult& result,
                   const std::vector<float>& predictions) {
  Json json = targets_json(folds, predictions);
  for (size_t i = 0; i < result.thresholds.size(); ++i) json[i]["threshold"] = result.thresholds[i];
  return json;
}

}  // namespace

// What a calibrated spread was measured among: seeds of one fold. A stopped run may lack some of
// them; it then knows no spread.
void count_folds(const std::vector<Fold>& members, Uncertainty& uncertainty) {
  if (!uncertainty.between) return;
  const size_t folds = splits_of(members).size();
  for (size_t i = 0; i < members.size(); ++i)
    if (members[i].index != i % folds) return uncertainty.drop_calibration();
  if (members.size() % folds != 0 || members.size() < 2 * folds)
    return uncertainty.drop_calibration();
  uncertainty.folds = static_cast<int>(folds);
}

void finish_result(const TrainedMembers& members, const TrainedMembers& kept,
                   const Settings& settings, const UsedRows& rows, const SplitPlan& plan,
                   const DropoutRates& rates, HeadTrainingResult& result) {
  const std::vector<Fold> folds = splits_of(members.folds);
  std::vector<float> predictions = member_predictions(members.folds, members.fits);
  put_test_predictions(kept.folds, kept.fits, predictions);
  const Fold& first = folds.front();
  result.plan = first.plan;
  result.parts = plan.parts;
  result.thresholds = find_thresholds(folds, predictions);
  result.held_out = unseen_only(folds, predictions);
  add_errors(members.folds, members.fits, settings, rates, result);
  count_folds(kept.folds, result.uncertainty);
  Json json;
  json["rows"] = {{"total", first.data.rows},
                  {"used", rows.used.size()},
                  {"without_target", rows.without_target},
                  {"failed", rows.failed},
                  {"outside_split", rows.outside_split}};
  json["split"] = split_json(plan);
  json["settings"] = Json::parse(settings.to_json());
  if (!first.data.counted.empty()) json["counted"] = Json::parse(first.data.counted);
  json.update(task_json(first));
  json["folds"] = Json::array();
  for (size_t i = 0; i < members.folds.size(); ++i)
    json["folds"].push_back(fold_json(members.folds[i], members.fits[i]));
  json["held_out"] = held_out_json(folds, result, predictions);
  if (first.targets() > 1) json["held_out_mean"] = mean_json(json["held_out"], first.plan.task);
  json["test"] = test_json(folds, predictions);
  if (!result.errors_report.empty()) json["uncertainty"] = Json::parse(result.errors_report);
  if (first.data.unlabelled_rows > 0)
    json["unlabelled"] = {{"rows", first.data.unlabelled_rows},
                          {"used", first.data.unlabelled.size()}};
  json["early_stopping_on_held_out"] = !first.settings.ridge && first.settings.patience > 0;
  if (first.data.inputs.size() > 0) json["inputs"] = input_report(members.folds, rows.used);
  json["interrupted"] = result.interrupted;
  json["warnings"] = first.data.warnings;
  for (const std::string& warning : plan.warnings) json["warnings"].push_back(warning);
  if (result.interrupted)
    json["warnings"].push_back(
        "stopped before its end: without early stopping the weights are those of the last step, "
        "which may be a little later than the last epoch's numbers");
  for (size_t i = 0; i < members.fits.size(); ++i)
    for (const std::string& warning : collapse_warnings(members.folds[i], members.fits[i]->loop))
      json["warnings"].push_back(warning);
  for (const FoldFit* fit : members.fits)
    if (!fit->loop.save_error.empty())
      json["warnings"].push_back("the checkpoint could not be written: " + fit->loop.save_error);
  for (const std::string& warning : training_warnings(folds, rows.used, predictions))
    json["warnings"].push_back(warning);
  // Names come from files and may not be UTF-8.
  result.report = json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace molrt
