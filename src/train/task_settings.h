#pragma once
// The settings of what is learnt: the task, its loss, how labels are scaled and weighted, and the
// metric that is followed. Their rows of the table, and their values in the form that the training
// reads.
#include <optional>

#include "train/loss.h"
#include "train/metrics.h"
#include "train/settings.h"
#include "train/target_scaling.h"

namespace molrt {

std::vector<SettingRow> task_settings();

Task task_of(const Settings& settings);

struct ClassWeights {
  bool balanced = false;
  std::vector<double> given;  // [classes]; empty: none
};

struct TaskSettings {
  Task task;
  Loss loss;  // without class weights, which are a fold's
  ClassWeights class_weights;
  TargetScaling scaling;
  std::optional<Metric> metric;  // as named by the user; none: auto or the loss
  bool metric_is_auto;
};

TaskSettings read_task_settings(const Settings& settings);

}  // namespace molrt
