#include "train/head_step.h"

#include <algorithm>

#include "train/evaluation.h"

namespace molrt {
namespace {

// The mean of k + 1 things of which this is the last: equal ones give themselves.
void add_to_mean(std::span<const float> last, size_t k, std::span<float> mean) {
  for (size_t i = 0; i < mean.size(); ++i)
    mean[i] += (last[i] - mean[i]) / static_cast<float>(k + 1);
}

void add(std::span<const float> from, std::span<float> to) {
  for (size_t i = 0; i < to.size(); ++i) to[i] += from[i];
}

}  // namespace

HeadStep::HeadStep(const Fold& fold)
    : fold_(fold),
      plan_(head_plan(*fold.settings.methods, fold.settings.pooler_dropout)),
      activations_(passes()),
      outputs_(passes()),
      d_outputs_(passes()) {}

HeadDropout HeadStep::dropout(size_t pass, uint32_t step) const {
  return {plan_.rates[pass], fold_.seed, step, molecules_,
          random_purpose(Purpose::train, 0, static_cast<uint32_t>(pass))};
}

LossSum HeadStep::run(const Head& head, std::span<const RowConformer> items,
                      std::span<const float> inputs, uint32_t step, double weight, Head& gradient,
                      std::span<float> d_inputs) {
  molecules_ = molecules_of(items);
  for (size_t k = 0; k < passes(); ++k) {
    outputs_[k].resize(items.size() * fold_.outputs());
    d_outputs_[k].resize(outputs_[k].size());
    head_forward_training(head, inputs.data(), dropout(k, step), activations_[k],
                          outputs_[k].data());
  }
  const std::vector<size_t> rows = rows_of(items);
  const LossSum sum = plan_.mean_first ? loss_of_mean(rows, weight) : loss(rows, weight);
  if (passes() == 1) {
    backward(head, 0, step, gradient, d_inputs);
  } else {
    mean_backward(head, step, gradient, d_inputs);
  }
  return sum;
}

void HeadStep::backward(const Head& head, size_t pass, uint32_t step, Head& gradient,
                        std::span<float> d_inputs) const {
  head_backward(head, dropout(pass, step), activations_[pass], d_outputs_[pass].data(), gradient,
                d_inputs.empty() ? nullptr : d_inputs.data());
}

void HeadStep::mean_backward(const Head& head, uint32_t step, Head& gradient,
                             std::span<float> d_inputs) {
  std::fill(d_inputs.begin(), d_inputs.end(), 0.f);
  std::vector<float> d_pass(d_inputs.size());
  Head mean = make_head(head.kind, head.width, head.outputs, head.hidden), own = mean;
  const auto means = parameters(mean), owns = parameters(own), sums = parameters(gradient);
  for (size_t k = 0; k < passes(); ++k) {
    set_zero(own);
    backward(head, k, step, own, d_pass);
    add_to_mean(d_pass, k, d_inputs);
    for (size_t t = 0; t < owns.size(); ++t) add_to_mean(owns[t], k, means[t]);
  }
  for (size_t t = 0; t < sums.size(); ++t) add(means[t], sums[t]);
}

// The mean of the passes' losses.
LossSum HeadStep::loss(const std::vector<size_t>& rows, double weight) {
  LossSum mean;
  for (size_t k = 0; k < passes(); ++k) {
    const LossSum one = fold_loss(fold_, rows, outputs_[k].data(), d_outputs_[k].data(), weight);
    mean.sum += (one.sum - mean.sum) / static_cast<double>(k + 1);
    mean.weight = one.weight;
  }
  return mean;
}

LossSum HeadStep::loss_of_mean(const std::vector<size_t>& rows, double weight) {
  std::vector<float> mean = outputs_[0];
  for (size_t k = 1; k < passes(); ++k) add_to_mean(outputs_[k], k, mean);
  const LossSum sum = fold_loss(fold_, rows, mean.data(), d_outputs_[0].data(), weight);
  for (size_t k = 1; k < passes(); ++k) d_outputs_[k] = d_outputs_[0];
  return sum;
}

}  // namespace molrt
