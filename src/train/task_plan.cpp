#include "train/task_plan.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"

namespace molrt {
namespace {

constexpr double most_classes = 10000;  // a larger number is no class but a measured value

double label_of(const HeadTrainingData& data, size_t row, size_t target) {
  return data.values[row * static_cast<size_t>(data.targets) + target];
}

const char* expected_label(Task task) {
  return task == Task::multiclass
             ? "a class number from 0, up to 9999 (empty: none); measured values are "
               "task=regression"
             : "0 or 1 (empty: none); class numbers are task=multiclass, measured values "
               "task=regression";
}

bool is_label(Task task, double value) {
  if (!is_classification(task)) return true;
  if (task != Task::multiclass) return value == 0 || value == 1;
  return value >= 0 && value < most_classes && value == std::floor(value);
}

void require_one_target(const HeadTrainingData& data, Task task) {
  if (data.targets == 1) return;
  fail(MOLRT_ERROR_DATA, "task={} takes one target, found {}; several targets of 0 and 1 are {}",
       task_name(task), data.targets, "task=multilabel");
}

size_t largest_class(const HeadTrainingData& data, std::span<const size_t> rows) {
  double largest = 0;
  for (const size_t row : rows)
    if (!std::isnan(label_of(data, row, 0))) largest = std::max(largest, label_of(data, row, 0));
  return static_cast<size_t>(largest);
}

void require_all_classes(const HeadTrainingData& data, const TaskPlan& plan,
                         std::span<const size_t> rows) {
  const std::string& name = data.target_names[0];
  if (plan.classes < 2)
    fail(MOLRT_ERROR_DATA, "target '{}' has only the class 0; at least two are needed", name);
  const std::vector<size_t> counts = count_classes(data, plan, 0, rows);
  const auto gap = std::find(counts.begin(), counts.end(), size_t{0});
  if (gap != counts.end())
    fail(MOLRT_ERROR_DATA,
         "target '{}': no row has the class {}, but the largest is {}; number the classes 0, 1, 2 "
         "... without gaps",
         name, gap - counts.begin(), counts.size() - 1);
}

std::vector<double> balanced_weights(const std::vector<size_t>& counts) {
  double labels = 0, present = 0;
  for (const size_t count : counts) {
    labels += static_cast<double>(count);
    present += count > 0;
  }
  std::vector<double> weights;
  for (const size_t count : counts)
    weights.push_back(count == 0 ? 1 : labels / (present * static_cast<double>(count)));
  return weights;
}

}  // namespace

void check_label(const HeadTrainingData& data, size_t row, size_t target, Task task) {
  const double value = label_of(data, row, target);
  if (std::isnan(value)) return;
  const std::string& name = data.target_names[target];
  if (std::isinf(value)) fail(MOLRT_ERROR_DATA, "row {}: target '{}' is infinite", row + 1, name);
  if (std::fabs(value) > std::numeric_limits<float>::max())
    fail(MOLRT_ERROR_DATA, "row {}: target '{}' is {}, beyond float32", row + 1, name, value);
  if (!is_label(task, value))
    fail(MOLRT_ERROR_DATA, "row {}: target '{}' is {}; task={} expects {}", row + 1, name, value,
         task_name(task), expected_label(task));
}

std::vector<size_t> count_classes(const HeadTrainingData& data, const TaskPlan& plan, size_t target,
                                  std::span<const size_t> rows) {
  std::vector<size_t> counts(plan.classes);
  for (const size_t row : rows)
    if (const double label = label_of(data, row, target); !std::isnan(label))
      ++counts.at(static_cast<size_t>(label));
  return counts;
}

std::vector<std::string> class_output_names(const std::string& target, size_t classes) {
  std::vector<std::string> names;
  for (size_t c = 0; c < classes; ++c) names.push_back(fmt::format("{}_{}", target, c));
  return names;
}

TaskPlan plan_task(const HeadTrainingData& data, const TaskSettings& settings,
                   std::span<const size_t> rows) {
  TaskPlan plan{settings.task, 0, data.target_names};
  if (plan.task == Task::binary || plan.task == Task::multiclass)
    require_one_target(data, plan.task);
  if (is_classification(plan.task)) plan.classes = 2;
  if (plan.task == Task::multiclass) {
    plan.classes = largest_class(data, rows) + 1;
    require_all_classes(data, plan, rows);
    plan.outputs = class_output_names(data.target_names[0], plan.classes);
  }
  const size_t given = settings.class_weights.given.size();
  if (given != 0 && given != plan.classes)
    fail(MOLRT_ERROR_INVALID_ARGUMENT, "setting 'class_weights' has {} numbers for {} classes",
         given, plan.classes);
  return plan;
}

std::vector<std::vector<double>> fold_class_weights(const HeadTrainingData& data,
                                                    const TaskPlan& plan,
                                                    const ClassWeights& weights,
                                                    std::span<const size_t> rows) {
  const auto targets = static_cast<size_t>(data.targets);
  if (!weights.given.empty()) return {targets, weights.given};
  std::vector<std::vector<double>> balanced;
  for (size_t target = 0; weights.balanced && target < targets; ++target)
    balanced.push_back(balanced_weights(count_classes(data, plan, target, rows)));
  return balanced;
}

}  // namespace molrt
