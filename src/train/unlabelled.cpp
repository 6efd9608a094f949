#include "train/unlabelled.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "train/shuffle.h"

namespace molrt {

std::vector<size_t> unlabelled_batch(const Fold& fold, uint32_t step, size_t count) {
  const std::vector<size_t>& rows = fold.data.unlabelled;
  std::vector<size_t> batch, order;
  for (uint64_t at = uint64_t{step} * count; batch.size() < count; ++at) {
    const uint64_t round = at / rows.size();
    if (batch.empty() || at % rows.size() == 0)
      order = epoch_order(rows, fold.seed, static_cast<uint32_t>(round), fold.index);
    batch.push_back(order[at % rows.size()]);
  }
  return batch;
}

namespace {

BatchShare unlabelled_share(const UnlabelledPlan& plan, const StepAt& at, size_t molecules) {
  const double whole = plan.ramp * static_cast<double>(at.steps);
  const double part = whole > 0 ? std::min(1., static_cast<double>(at.step) / whole) : 1;
  return {0, static_cast<double>(molecules), plan.weight * part};
}

}  // namespace

std::vector<BatchPart> batch_parts(const Fold& fold, const UnlabelledPlan& plan,
                                   std::span<const size_t> rows, const StepAt& at,
                                   size_t objective) {
  std::vector<BatchPart> parts;
  if (objective == 0) parts.push_back({{rows.begin(), rows.end()}, whole_batch(fold, rows)});
  if (plan.on && plan.alternate == (objective > 0)) {
    parts.push_back(
        {unlabelled_batch(fold, at.step, rows.size()), unlabelled_share(plan, at, rows.size())});
    // In the sum over the batch's labels, whose mean is told.
    if (objective == 0) parts.back().share.sum_of = parts[0].share.labels;
  }
  return parts;
}

namespace {

constexpr size_t rows_to_look_at = 64;

double deviation(std::span<const float> outputs, size_t width, size_t column) {
  const double count = static_cast<double>(outputs.size() / width);
  double mean = 0, squares = 0;
  for (size_t i = column; i < outputs.size(); i += width) mean += outputs[i] / count;
  for (size_t i = column; i < outputs.size(); i += width)
    squares += (outputs[i] - mean) * (outputs[i] - mean);
  return std::sqrt(squares / count);
}

}  // namespace

double spread_ratio(const Fold& fold,
                    const std::function<std::vector<float>(std::span<const size_t>)>& predict) {
  const auto some = [](std::span<const size_t> rows) {
    return rows.first(std::min(rows.size(), rows_to_look_at));
  };
  if (fold.data.unlabelled.empty()) return nan_loss;
  const std::vector<float> without = predict(some(fold.data.unlabelled));
  const std::vector<float> with = predict(some(fold.split.train));
  double least = std::numeric_limits<double>::infinity();
  for (size_t k = 0; k < fold.outputs(); ++k)
    least =
        std::min(least, deviation(without, fold.outputs(), k) / deviation(with, fold.outputs(), k));
  return least;
}

std::vector<std::string> collapse_warnings(const Fold& fold, const LoopResult& loop) {
  const double ramp = pass_plan(*fold.methods, 0).unlabelled.ramp * fold.settings.epochs;
  for (const EpochRecord& epoch : loop.history)
    if (epoch.epoch > ramp && epoch.spread_ratio < .5)
      return {fmt::format(
          "in epoch {} the predictions of molecules without values spread only {:.2g} times as far "
          "as those of training rows: they collapse; lower rdrop.u_weight or rdrop.alpha",
          epoch.epoch, epoch.spread_ratio)};
  return {};
}

std::vector<double> objectives_of(const UnlabelledPlan& plan) {
  if (plan.on && plan.alternate) return {1, plan.rate_factor};
  return {1};
}

}  // namespace molrt
