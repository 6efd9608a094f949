#include "train/fold.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "train/task_plan.h"

namespace molrt {
namespace {

std::string training_part(const HeadSettings& settings, uint32_t index) {
  if (settings.folds == 1) return "the training rows";
  return fmt::format("the training rows of fold {} of {}", index + 1, settings.folds);
}

std::vector<size_t> places(const HeadTrainingData& data, std::span<const size_t> rows) {
  std::vector<size_t> places;
  for (const RowConformer item : data.conformers.all(rows))
    places.push_back(data.conformers.place(item));
  return places;
}

// A head may have other rows than its task has outputs (imported binary models have two), or other
// classes than the labels.
void check_start(const StartingPoint& start, const TaskPlan& plan) {
  if (static_cast<size_t>(start.head.outputs) == plan.outputs.size()) return;
  fail(MOLRT_ERROR_INVALID_ARGUMENT,
       "setting 'head_init' is base, but the base model's head has {} rows and task={} trains {}",
       start.head.outputs, task_name(plan.task), plan.outputs.size());
}

}  // namespace

Fold make_fold(const HeadTrainingData& data, const HeadSettings& settings, const TaskPlan& plan,
               const MemberId& member, Split split) {
  const StartingPoint* start =
      data.starts.empty() ? nullptr : &data.starts[member.number % data.starts.size()];
  if (start) check_start(*start, plan);
  auto scalers = start ? start->scalers
                       : fit_targets(data.values, data.target_names, split.train,
                                     settings.task.scaling, training_part(settings, member.split));
  scalers.resize(plan.outputs.size());  // of classes all are the identity
  // A head to go on with reads the columns as they are.
  const bool standardise = settings.standardise && !data.representations.empty() && !start;
  auto columns = standardise
                     ? fit_columns(data.representations, data.width, places(data, split.train))
                     : identity_columns(data.width);
  auto inputs = start ? start->inputs
                      : fit_inputs(data.beside, data.inputs, split.train,
                                   training_part(settings, member.split));
  Loss loss = settings.task.loss;
  loss.class_weights = fold_class_weights(data, plan, settings.task.class_weights, split.train);
  return {.data = data,
          .settings = settings,
          .index = member.split,
          .seed = member.seed,
          .split = std::move(split),
          .plan = plan,
          .scalers = std::move(scalers),
          .columns = std::move(columns),
          .inputs = std::move(inputs),
          .loss = std::move(loss),
          .start = start,
          .base_fold = static_cast<int>(member.number % data.base_folds),
          .methods = make_methods(settings.all)};
}

const std::vector<size_t>& watched_rows(const Fold& fold) {
  return fold.split.held_out.empty() ? fold.split.train : fold.split.held_out;
}

std::vector<size_t> predicted_rows(const Fold& fold) {
  std::vector<size_t> rows = watched_rows(fold);
  rows.insert(rows.end(), fold.split.test.begin(), fold.split.test.end());
  return rows;
}

Head first_head(const Fold& fold) {
  if (fold.start) return fold.start->head;
  return initialised_head(fold.settings.kind, fold.data.head_width(),
                          static_cast<int>(fold.outputs()), fold.seed, fold.index, fold.data.width);
}

std::vector<TrainedTensor> head_tensors(Head& head, Head& gradient, double decay) {
  std::vector<TrainedTensor> tensors;
  const auto values = parameters(head), gradients = parameters(gradient);
  for (size_t i = 0; i < values.size(); ++i) {
    tensors.push_back({head_tensor_names[i], values[i], gradients[i]});
    const bool weight = i % 2 == 0;  // dense and out_proj, each with its bias
    if (weight) tensors.back().decay = decay;
  }
  return tensors;
}

float scaled_target(const Fold& fold, size_t row, size_t target) {
  const double value = fold.data.values[row * fold.targets() + target];
  return static_cast<float>(fold.scalers[target].scaled(value));
}

void scaled_inputs(const Fold& fold, size_t row, float* out) {
  const size_t inputs = fold.data.inputs.size();
  if (inputs > 0) fold.inputs.apply(fold.data.beside.subspan(fold.data.line(row) * inputs, inputs), out);
}

std::vector<float> gather(const Fold& fold, std::span<const RowConformer> items) {
  const auto width = static_cast<size_t>(fold.data.width);
  const auto head_width = static_cast<size_t>(fold.data.head_width());
  std::vector<float> rows(items.size() * head_width);
  for (size_t i = 0; i < items.size(); ++i) {
    float* row = rows.data() + i * head_width;
    const size_t place = fold.data.conformers.place(items[i]);
    fold.columns.apply(fold.data.representations.data() + place * width, row);
    scaled_inputs(fold, items[i].row, row + width);
  }
  return rows;
}

std::vector<float> head_outputs(const Fold& fold, const Head& head, std::span<const size_t> rows) {
  constexpr size_t chunk = 256;
  const std::vector<RowConformer> items = fold.data.conformers.all(rows);
  std::vector<float> outputs(items.size() * fold.outputs());
  for (size_t first = 0; first < items.size(); first += chunk) {
    const auto part = std::span(items).subspan(first, std::min(chunk, items.size() - first));
    head_forward(head, gather(fold, part).data(), part.size(),
                 outputs.data() + first * fold.outputs());
  }
  return outputs;
}

std::vector<float> mean_outputs(const Fold& fold, std::span<const size_t> rows,
                                std::span<const float> outputs) {
  const std::vector<double> means = fold.data.conformers.means(rows, outputs, fold.outputs());
  return {means.begin(), means.end()};
}

}  // namespace molrt
