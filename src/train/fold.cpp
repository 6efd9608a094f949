#include "train/fold.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"

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

}  // namespace

Fold make_fold(const HeadTrainingData& data, const HeadSettings& settings, uint32_t index,
               Split split) {
  auto scalers = fit_targets(data.values, data.target_names, split.train, settings.scale_targets,
                             training_part(settings, index));
  auto columns = settings.standardise && !data.representations.empty()
                     ? fit_columns(data.representations, data.width, places(data, split.train))
                     : identity_columns(data.width);
  auto inputs = fit_inputs(data.beside, data.inputs, split.train, training_part(settings, index));
  return {data,
          settings,
          index,
          std::move(split),
          std::move(scalers),
          std::move(columns),
          std::move(inputs)};
}

float scaled_target(const Fold& fold, size_t row, size_t target) {
  const double value = fold.data.values[row * static_cast<size_t>(fold.data.targets) + target];
  return static_cast<float>(fold.scalers[target].scaled(value));
}

std::vector<float> scaled_targets(const Fold& fold, std::span<const size_t> rows) {
  std::vector<float> targets;
  for (const size_t row : rows)
    for (size_t t = 0; t < static_cast<size_t>(fold.data.targets); ++t)
      targets.push_back(scaled_target(fold, row, t));
  return targets;
}

void scaled_inputs(const Fold& fold, size_t row, float* out) {
  const size_t inputs = fold.data.inputs.size();
  if (inputs > 0) fold.inputs.apply(fold.data.beside.subspan(row * inputs, inputs), out);
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

std::vector<RowConformer> training_items(const Fold& fold, std::span<const size_t> rows,
                                         uint32_t step) {
  const StepPlan plan =
      plan_steps(fold.split.train.size(), static_cast<size_t>(fold.settings.batch_size), 1, 0);
  return fold.data.conformers.choose(rows, fold.settings.seed,
                                     static_cast<uint32_t>(step / plan.batches));
}

Head new_head(const Fold& fold) {
  return initialised_head(fold.settings.kind, fold.data.head_width(), fold.data.targets,
                          fold.settings.seed, fold.index, fold.data.width);
}

LossSum sum_loss(const Fold& fold, const Head& head, std::span<const size_t> rows) {
  constexpr size_t chunk = 256;
  const auto count = static_cast<size_t>(head.outputs);
  LossSum total;
  for (size_t first = 0; first < rows.size(); first += chunk) {
    const auto part = rows.subspan(first, std::min(chunk, rows.size() - first));
    const auto items = fold.data.conformers.all(part);
    std::vector<float> all(items.size() * count);
    head_forward(head, gather(fold, items).data(), items.size(), all.data());
    const std::vector<double> means = fold.data.conformers.means(part, all, count);
    const std::vector<float> outputs(means.begin(), means.end());
    const std::vector<float> targets = scaled_targets(fold, part);
    const LossSum loss =
        evaluate_loss(fold.settings.loss, outputs.data(), targets.data(), targets.size(), nullptr);
    total.sum += loss.sum;
    total.labels += loss.labels;
  }
  return total;
}

}  // namespace molrt
