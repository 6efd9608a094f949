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

Fold make_fold(const HeadTrainingData& data, const HeadSettings& settings, const MemberId& member,
               Split split) {
  const StartingPoint* start =
      data.starts.empty() ? nullptr : &data.starts[member.number % data.starts.size()];
  auto scalers = start ? start->scalers
                       : fit_targets(data.values, data.target_names, split.train,
                                     settings.scale_targets, training_part(settings, member.split));
  // A head to go on with reads the columns as they are.
  const bool standardise = settings.standardise && !data.representations.empty() && !start;
  auto columns = standardise
                     ? fit_columns(data.representations, data.width, places(data, split.train))
                     : identity_columns(data.width);
  auto inputs = start ? start->inputs
                      : fit_inputs(data.beside, data.inputs, split.train,
                                   training_part(settings, member.split));
  return {.data = data,
          .settings = settings,
          .index = member.split,
          .seed = member.seed,
          .split = std::move(split),
          .scalers = std::move(scalers),
          .columns = std::move(columns),
          .inputs = std::move(inputs),
          .start = start,
          .base_fold = static_cast<int>(member.number % data.base_folds)};
}

Head first_head(const Fold& fold) {
  if (fold.start) return fold.start->head;
  return initialised_head(fold.settings.kind, fold.data.head_width(), fold.data.targets, fold.seed,
                          fold.index, fold.data.width);
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

std::vector<double> mean_outputs(const Fold& fold, const Head& head, std::span<const size_t> rows) {
  const auto items = fold.data.conformers.all(rows);
  const auto count = static_cast<size_t>(head.outputs);
  std::vector<float> outputs(items.size() * count);
  head_forward(head, gather(fold, items).data(), items.size(), outputs.data());
  return fold.data.conformers.means(rows, outputs, count);
}

Evaluation evaluate_head(const Fold& fold, const Head& head, std::span<const size_t> rows) {
  constexpr size_t chunk = 256;
  Evaluation total;
  for (size_t first = 0; first < rows.size(); first += chunk) {
    const auto part = rows.subspan(first, std::min(chunk, rows.size() - first));
    const std::vector<double> means = mean_outputs(fold, head, part);
    const std::vector<float> outputs(means.begin(), means.end());
    const std::vector<float> targets = scaled_targets(fold, part);
    total.loss.add(
        evaluate_loss(fold.settings.loss, outputs.data(), targets.data(), targets.size(), nullptr));
  }
  total.metric = total.loss.mean();
  return total;
}

}  // namespace molrt
