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
  auto columns = standardise ? fit_columns(data.representations, data.width, split.train)
                             : identity_columns(data.width);
  return {.data = data,
          .settings = settings,
          .index = member.split,
          .seed = member.seed,
          .split = std::move(split),
          .scalers = std::move(scalers),
          .columns = std::move(columns),
          .start = start,
          .base_fold = static_cast<int>(member.number % data.base_folds)};
}

Head first_head(const Fold& fold) {
  if (fold.start) return fold.start->head;
  return initialised_head(fold.settings.kind, fold.data.width, fold.data.targets, fold.seed,
                          fold.index);
}

float scaled_target(const Fold& fold, size_t row, size_t target) {
  const double value = fold.data.values[row * static_cast<size_t>(fold.data.targets) + target];
  return static_cast<float>(fold.scalers[target].scaled(value));
}

void gather(const Fold& fold, std::span<const size_t> rows, std::vector<float>& representations,
            std::vector<float>& targets) {
  const auto width = static_cast<size_t>(fold.data.width);
  const auto count = static_cast<size_t>(fold.data.targets);
  representations.resize(rows.size() * width);
  targets.resize(rows.size() * count);
  for (size_t i = 0; i < rows.size(); ++i) {
    fold.columns.apply(fold.data.representations.data() + rows[i] * width,
                       representations.data() + i * width);
    for (size_t target = 0; target < count; ++target)
      targets[i * count + target] = scaled_target(fold, rows[i], target);
  }
}

Evaluation evaluate_head(const Fold& fold, const Head& head, std::span<const size_t> rows) {
  constexpr size_t chunk = 256;
  std::vector<float> representations, targets, outputs;
  Evaluation total;
  for (size_t first = 0; first < rows.size(); first += chunk) {
    const auto part = rows.subspan(first, std::min(chunk, rows.size() - first));
    gather(fold, part, representations, targets);
    outputs.resize(targets.size());
    head_forward(head, representations.data(), part.size(), outputs.data());
    total.loss.add(
        evaluate_loss(fold.settings.loss, outputs.data(), targets.data(), targets.size(), nullptr));
  }
  total.metric = total.loss.mean();
  return total;
}

}  // namespace molrt
