#pragma once
// From the columns of labels to a head's outputs: the one place that says how many there are.
#include <span>
#include <string>
#include <vector>

#include "train/head_training.h"
#include "train/task_settings.h"

namespace molrt {

// DATA error, naming row and target, for a label that the task does not take: infinite, beyond
// float32, no class. NaN is none.
void check_label(const HeadTrainingData& data, size_t row, size_t target, Task task);

// `rows`: those that are trained on or held out. DATA error where the targets do not fit the task:
// several for one of a single target, class numbers with gaps; INVALID_ARGUMENT for class weights
// that are not as many as classes.
TaskPlan plan_task(const HeadTrainingData& data, const TaskSettings& settings,
                   std::span<const size_t> rows);

// "colour" -> "colour_0", "colour_1" ...: the outputs of a multiclass target.
std::vector<std::string> class_output_names(const std::string& target, size_t classes);

// [targets][classes] for Loss::class_weights, from a fold's training rows; empty: none. Balanced is
// labels / (classes * the class's labels) of each target, over the classes that are there.
std::vector<std::vector<double>> fold_class_weights(const HeadTrainingData& data,
                                                    const TaskPlan& plan,
                                                    const ClassWeights& weights,
                                                    std::span<const size_t> rows);

// How many of the rows' labels each class has, [classes].
std::vector<size_t> count_classes(const HeadTrainingData& data, const TaskPlan& plan, size_t target,
                                  std::span<const size_t> rows);

}  // namespace molrt
