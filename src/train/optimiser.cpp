#include "train/optimiser.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/parallel.h"

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

// Parts of the tensors that threads work on, the same whatever their number.
struct Part {
  size_t tensor, first, count;
};

std::vector<Part> parts_of(std::span<const TrainedTensor> tensors) {
  constexpr size_t largest = size_t{1} << 16;
  std::vector<Part> parts;
  for (size_t t = 0; t < tensors.size(); ++t)
    for (size_t first = 0; first < tensors[t].value.size(); first += largest)
      parts.push_back({t, first, std::min(largest, tensors[t].value.size() - first)});
  return parts;
}

}  // namespace

double clip_gradients(std::span<const TrainedTensor> tensors, double limit, int threads) {
  const std::vector<Part> parts = parts_of(tensors);
  std::vector<double> squares(parts.size());
  const auto gradient = [&](size_t i) {
    return tensors[parts[i].tensor].gradient.subspan(parts[i].first, parts[i].count);
  };
  parallel_for(threads, parts.size(),
               [&](size_t i, int) { squares[i] = sum_of_squares(gradient(i)); });
  const double norm = std::sqrt(std::accumulate(squares.begin(), squares.end(), 0.));
  if (limit == 0 || norm <= limit) return norm;
  const auto factor = static_cast<float>(limit / (norm + 1e-6));  // torch's clip_grad_norm_
  parallel_for(threads, parts.size(), [&](size_t i, int) {
    for (float& g : gradient(i)) g *= factor;
  });
  return norm;
}

Adam::Adam(double beta1, double beta2, double eps, std::span<const TrainedTensor> tensors)
    : beta1_(beta1), beta2_(beta2), eps_(eps) {
  for (const TrainedTensor& t : tensors) {
    moments_.push_back({std::vector<float>(t.value.size()), std::vector<float>(t.value.size())});
    numbers_.push_back(tensor_number(t.name));
  }
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

// w -= rate * m_hat / (sqrt(v_hat) + eps), with the methods' hooks before and behind the moments.
void Adam::adam(const Part& part, Moments& moments, const StepHooks& hooks) const {
  const TrainedTensor& t = part.tensor;
  float* value = t.value.data() + part.first;
  const auto step = [&](float* weight) {
    adam_update(factors(part.rate), t.gradient.data() + part.first, part.count,
                moments.mean.data() + part.first, moments.square.data() + part.first, weight);
  };
  bool on_updates = false;
  for (const auto& method : hooks.methods) {
    method->on_gradient(hooks.key,
                        {part.number, part.first, t.gradient.subspan(part.first, part.count)});
    on_updates = on_updates || method->has_on_update();
  }
  if (!on_updates) return step(value);
  // 0 minus the step: exactly what would be added to the weights.
  std::vector<float> change(part.count);
  step(change.data());
  for (const auto& method : hooks.methods)
    if (method->has_on_update()) method->on_update(hooks.key, {part.number, part.first, change});
  for (size_t i = 0; i < part.count; ++i) value[i] += change[i];
}

void Adam::decay(const Part& part) const {
  const TrainedTensor& t = part.tensor;
  float* value = t.value.data() + part.first;
  const auto decay = static_cast<float>(part.rate * t.decay);
  if (decay != 0)
    for (size_t i = 0; i < part.count; ++i) value[i] -= decay * value[i];
  const auto pull = static_cast<float>(part.rate * t.pull);
  if (pull != 0)
    for (size_t i = 0; i < part.count; ++i)
      value[i] -= pull * (value[i] - t.origin[part.first + i]);
}

// A factor of 1 leaves the bytes that decay() makes.
void Adam::decay_by_factors(const Part& part, const StepHooks& hooks) const {
  const std::span<float> value = part.tensor.value.subspan(part.first, part.count);
  const std::vector<float> before(value.begin(), value.end());
  std::vector<float> factors(part.count, 1.f);
  decay(part);
  for (const auto& method : hooks.methods)
    if (method->has_on_decay()) method->on_decay({part.number, part.first, factors});
  for (size_t i = 0; i < value.size(); ++i)
    if (factors[i] != 1) value[i] = before[i] + factors[i] * (value[i] - before[i]);
}

void Adam::update(const Part& part, Moments& moments, const StepHooks& hooks) const {
  adam(part, moments, hooks);
  if (part.tensor.decay == 0 && part.tensor.pull == 0) return;
  const bool factors = std::any_of(hooks.methods.begin(), hooks.methods.end(),
                                   [](const auto& method) { return method->has_on_decay(); });
  return factors ? decay_by_factors(part, hooks) : decay(part);
}

void Adam::step(std::span<const TrainedTensor> tensors, double rate, int threads,
                const StepHooks& hooks) {
  ++steps_;
  const auto parts = parts_of(tensors);
  parallel_for(threads, parts.size(), [&](size_t i, int) {
    const auto& [tensor, first, count] = parts[i];
    const TrainedTensor& t = tensors[tensor];
    update({t, numbers_[tensor], first, count, rate * t.rate_factor}, moments_[tensor], hooks);
  });
}

}  // namespace molrt
