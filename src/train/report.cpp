#include "train/report.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "train/evaluation.h"
#include "train/held_out.h"
#include "train/input_report.h"
#include "train/task_plan.h"
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

void finish_result(const std::vector<Fold>& members, std::span<const FoldFit* const> fits,
                   const Settings& settings, const UsedRows& rows, HeadTrainingResult& result) {
  const std::vector<Fold> folds = splits_of(members);
  const std::vector<float> predictions = member_predictions(members, fits);
  const Fold& first = folds.front();
  result.plan = first.plan;
  result.thresholds = find_thresholds(folds, predictions);
  result.held_out = held_out_only(folds, predictions);
  Json json;
  json["rows"] = {{"total", first.data.rows},
                  {"used", rows.used.size()},
                  {"without_target", rows.without_target},
                  {"failed", rows.failed}};
  json["settings"] = Json::parse(settings.to_json());
  json.update(task_json(first));
  json["folds"] = Json::array();
  for (size_t i = 0; i < members.size(); ++i)
    json["folds"].push_back(fold_json(members[i], fits[i]));
  json["held_out"] = held_out_json(folds, result, predictions);
  if (first.targets() > 1) json["held_out_mean"] = mean_json(json["held_out"], first.plan.task);
  json["early_stopping_on_held_out"] = !first.settings.ridge && first.settings.patience > 0;
  if (first.data.inputs.size() > 0) json["inputs"] = input_report(members, rows.used);
  json["interrupted"] = result.interrupted;
  json["warnings"] = training_warnings(folds, rows.used, predictions);
  // Names come from files and may not be UTF-8.
  result.report = json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace molrt
