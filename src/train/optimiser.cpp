#include "train/optimiser.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace molrt {

StepPlan plan_steps(size_t rows, size_t batch_size, size_t epochs, double warmup) {
  StepPlan plan;
  plan.batch_size = std::min(rows, batch_size);
  plan.batches = rows / plan.batch_size;
  plan.total = uint64_t{plan.batches} * epochs;
  plan.warmup = static_cast<uint64_t>(warmup * static_cast<double>(plan.total));
  return plan;
}

double learning_rate(double peak, uint64_t step, const StepPlan& plan) {
  if (step < plan.warmup)
    return peak * static_cast<double>(step) / static_cast<double>(plan.warmup);
  if (step >= plan.total) return 0;
  return peak * static_cast<double>(plan.total - step) /
         static_cast<double>(plan.total - plan.warmup);
}

namespace {

// In interleaved sums: one long sum would wait for every addition.
double sum_of_squares(std::span<const float> values) {
  double sums[8] = {};
  const size_t whole = values.size() / 8 * 8;
  for (size_t i = 0; i < whole; i += 8)
    for (size_t lane = 0; lane < 8; ++lane)
      sums[lane] += double{values[i + lane]} * values[i + lane];
  for (size_t i = whole; i < values.size(); ++i) sums[i - whole] += double{values[i]} * values[i];
  return std::accumulate(std::begin(sums), std::end(sums), 0.);
}

}  // namespace

double clip_gradients(std::span<const std::span<float>> gradients, double limit) {
  double squares = 0;
  for (const auto& tensor : gradients) squares += sum_of_squares(tensor);
  const double norm = std::sqrt(squares);
  if (limit == 0 || norm <= limit) return norm;
  const auto factor = static_cast<float>(limit / (norm + 1e-6));  // torch's clip_grad_norm_
  for (const auto& tensor : gradients)
    for (float& g : tensor) g *= factor;
  return norm;
}

AdamFactors Adam::factors(double rate) const {
  const auto t = static_cast<double>(steps_);
  return {.mean_kept = static_cast<float>(beta1_),
          .mean_added = static_cast<float>(1 - beta1_),
          .square_kept = static_cast<float>(beta2_),
          .square_added = static_cast<float>(1 - beta2_),
          .size = static_cast<float>(rate / (1 - std::pow(beta1_, t))),
          .root = static_cast<float>(1 / std::sqrt(1 - std::pow(beta2_, t))),
          .eps = static_cast<float>(eps_)};
}

void Adam::step(std::span<const std::span<float>> parameters,
                std::span<const std::span<float>> gradients, double rate) {
  moments_.resize(parameters.size());
  ++steps_;
  for (size_t k = 0; k < parameters.size(); ++k) {
    auto& [mean, square] = moments_[k];
    mean.resize(parameters[k].size());
    square.resize(parameters[k].size());
    adam_update(factors(rate), gradients[k].data(), parameters[k].size(), mean.data(),
                square.data(), parameters[k].data());
  }
}

}  // namespace molrt
