#include "train/task_settings.h"

#include "train/list_settings.h"
#include "train/split_settings.h"

namespace molrt {
namespace {

bool classes(const Settings& s) { return is_classification(task_of(s)); }

std::string task_text(const Settings& s) { return "task=" + s.text("task"); }

bool focal(const Settings& s) { return s.text("loss") == "focal"; }

LossKind loss_kind(const Settings& s) {
  for (const LossKind kind : {LossKind::mse, LossKind::mae, LossKind::huber, LossKind::bce,
                              LossKind::ce, LossKind::focal})
    if (s.text("loss") == loss_name(kind)) return kind;
  return usual_loss(task_of(s));  // auto
}

std::string task_of_ridge(const Settings& s) {
  return s.text("solver") == "ridge" && classes(s)
             ? "solver=ridge fits measured values; classes take solver=adam"
             : "";
}

std::string loss_of_ridge(const Settings& s) {
  return s.text("solver") == "ridge" && loss_kind(s) != LossKind::mse
             ? "solver=ridge minimises the squared error"
             : "";
}

std::string loss_beside(const Settings& s) { return loss_misfit(loss_kind(s), task_of(s)); }

std::string delta_of_huber(const Settings& s) {
  const bool of_passes = s.i64("rdrop.on") == 1 && s.text("rdrop.dist") == "huber";
  return s.text("loss") == "huber" || of_passes ? "" : "it belongs to loss=huber";
}

std::string gamma_of_focal(const Settings& s) { return focal(s) ? "" : "it belongs to loss=focal"; }

std::string alpha_of_focal(const Settings& s) {
  if (task_of(s) == Task::multiclass) return "it weighs two classes; see class_weights";
  return gamma_of_focal(s);
}

std::string scaling_of_values(const Settings& s) {
  if (s.text("head_init") == "base") return "head_init=base goes on with the base model's scaling";
  return classes(s) && s.text("target_scaling") != "none"
             ? task_text(s) + ": classes are not scaled"
             : "";
}

std::string weights_of_classes(const Settings& s) {
  return classes(s) ? "" : task_text(s) + " has no classes";
}

std::optional<std::vector<double>> read_weights(const std::string& text) {
  return read_numbers(text, 1e-30, 1e30);
}

std::string weights_beside(const Settings& s) {
  const std::string text = s.text("class_weights");
  if (text == "none" || text == "balanced") return "";
  const auto numbers = read_weights(text);
  if (!numbers || numbers->size() < 2)
    return "'" + text +
           "' is neither none, balanced nor a positive number for each class (\"1,5\")";
  if (task_of(s) != Task::multiclass && numbers->size() != 2)
    return task_text(s) + " takes two numbers, of the classes 0 and 1";
  return "";
}

std::optional<Metric> named_metric(const Settings& s) {
  for (const Task task : {Task::regression, Task::binary})
    for (const Metric metric : metrics_of(task))
      if (s.text("metric") == metric_name(metric)) return metric;
  return std::nullopt;
}

std::string metric_beside(const Settings& s) {
  const auto metric = named_metric(s);
  if (!metric || (*metric >= Metric::auroc) == classes(s)) return "";
  return s.text("metric") + " is for " + (classes(s) ? "measured values" : "classes") +
         "; the task is " + s.text("task");
}

std::string metric_of_held_out(const Settings& s) {
  if (s.text("solver") == "ridge")
    return "solver=ridge is solved in closed form, without epochs to follow";
  if (holds_nothing_out(s)) return "valid_fraction=0 holds nothing out to measure";
  return "";
}

SettingValue usual_loss_of(const Settings& s) { return loss_name(usual_loss(task_of(s))); }

SettingValue usual_scaling(const Settings& s) { return classes(s) ? "none" : "standard"; }

std::vector<SettingRow> rows_of_losses() {
  return {
      {"loss", "auto", "", "", 0, 0, "auto|mse|mae|huber|ce|bce|focal", "0.1.0",
       "weighted mean over the labels of a batch; of measured values in scaled units. auto: mse; "
       "of "
       "binary and multilabel bce, of multiclass ce",
       loss_of_ridge, usual_loss_of, loss_beside},
      {"huber_delta", 1.0, "", "", 1e-6, 1e6, "", "0.1.0",
       "where loss=huber turns from quadratic to linear, in scaled units", delta_of_huber},
      {"focal.alpha", .25, "", "", 0, 1, "", "0.1.0",
       "weight of class 1 in loss=focal, of class 0 one minus it", alpha_of_focal},
      {"focal.gamma", 2.0, "", "", 0, 100, "", "0.1.0",
       "how much loss=focal leaves out what is right already: (1-p)^gamma", gamma_of_focal},
      {"class_weights", "none", "", "balanced", 0, 0, "", "0.1.0",
       "weight of a label by its class: balanced (training labels / (classes * the class's)), or a "
       "number for each class from 0 (\"1,5\"); of multilabel for each target",
       weights_of_classes, nullptr, weights_beside},
  };
}

}  // namespace

std::vector<SettingRow> task_settings() {
  std::vector<SettingRow> rows = {
      {"task", "regression", "", "", 0, 0, "regression|binary|multiclass|multilabel", "0.1.0",
       "what the targets are: measured values; one target of 0 and 1; one of class numbers 0, 1, "
       "2 and so on; or several of 0 and 1, with gaps",
       nullptr, nullptr, task_of_ridge},
      {"target_scaling", "standard", "", "", 0, 0,
       "standard|robust|log1p|power|quantile|minmax|auto|none", "0.1.0",
       "how measured values are scaled, fitted on the training rows: by mean and standard "
       "deviation; median and interquartile range; log(1+y); Yeo-Johnson; their quantiles; to the "
       "range 0 to 1; auto: log1p if abs(skew) > 5 or abs(kurtosis) > 20 and all values are above "
       "-1, "
       "else standard",
       scaling_of_values, usual_scaling},
      {"metric", "auto", "", "", 0, 0,
       "auto|loss|mse|rmse|mae|r2|pearson|spearman|auroc|auprc|accuracy|f1|mcc|logloss", "0.1.0",
       "of the held-out rows, the mean over the targets: what progress shows and early stopping "
       "follows. auto: progress shows rmse (of several targets r2, of classes auroc), early "
       "stopping follows the loss",
       metric_of_held_out, nullptr, metric_beside},
  };
  const std::vector<SettingRow> losses = rows_of_losses();
  rows.insert(rows.begin() + 1, losses.begin(), losses.end());
  return rows;
}

Task task_of(const Settings& s) {
  for (const Task task : {Task::binary, Task::multiclass, Task::multilabel})
    if (s.text("task") == task_name(task)) return task;
  return Task::regression;
}

TaskSettings read_task_settings(const Settings& s) {
  const std::string weights = s.text("class_weights");
  return {
      .task = task_of(s),
      .loss = {.kind = loss_kind(s),
               .huber_delta = s.f64("huber_delta"),
               .focal_alpha = s.f64("focal.alpha"),
               .focal_gamma = s.f64("focal.gamma"),
               .softmax = task_of(s) == Task::multiclass,
               .class_weights = {}},
      .class_weights = {.balanced = weights == "balanced",
                        .given = read_weights(weights).value_or(std::vector<double>())},
      .scaling = target_scaling(s.text("target_scaling")),
      .metric = named_metric(s),
      .metric_is_auto = s.text("metric") == "auto",
  };
}

}  // namespace molrt
