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

bool touches_head(const Methods& methods) {
  const MethodWeights weights(methods, {});
  return std::any_of(head_tensor_names.begin(), head_tensor_names.end(),
                     [&](const char* name) { return weights.touches(name); });
}

// body(part) for those of the head's weights that the methods put noise on.
template <typename Body>
void each_noisy_weight(const MethodWeights& weights, Head& head, const Body& body) {
  const auto tensors = parameters(head);
  const size_t columns[] = {static_cast<size_t>(head.width), 0, static_cast<size_t>(head.hidden),
                            0};
  for (const size_t i : {0, 2})
    if (!tensors[i].empty() && weights.touches(head_tensor_names[i]))
      body(WeightPart{head_tensor_names[i], columns[i], 0, tensors[i]});
}

}  // namespace

BatchShare whole_batch(const Fold& fold, std::span<const size_t> rows) {
  return {fold_weight(fold, rows), static_cast<double>(rows.size())};
}

HeadStep::HeadStep(const Fold& fold)
    : fold_(fold),
      plan_(pass_plan(*fold.methods, fold.settings.pooler_dropout)),
      heads_(static_cast<size_t>(plan_.passes)),
      activations_(passes()),
      outputs_(passes()),
      d_outputs_(passes()) {}

PassKey HeadStep::key(size_t pass, uint32_t step) const {
  return {random_key(fold_.seed, step), static_cast<uint32_t>(pass / samples())};
}

HeadDropout HeadStep::dropout(size_t pass, uint32_t step) const {
  const size_t sample = pass % samples();
  return {plan_.head_rates[sample], fold_.seed, step, molecules_,
          random_purpose(Purpose::train, key(pass, step).pass, static_cast<uint32_t>(sample))};
}

// The head as this pass over the network reads it.
const Head& HeadStep::noisy_head(const Head& head, size_t network_pass, uint32_t step) {
  if (!noisy_weights_) return head;
  Head& noisy = heads_[network_pass] = head;
  const MethodWeights weights(*fold_.methods, key(network_pass * samples(), step));
  each_noisy_weight(weights, noisy, [&](const WeightPart& part) { weights.forward(part); });
  return noisy;
}

void HeadStep::forward(std::span<const NetworkPass> passes, const Head& head, uint32_t step) {
  for (size_t k = 0; k < this->passes(); ++k) {
    const size_t network = k / samples();
    if (k % samples() == 0) noisy_head(head, network, step);
    const NetworkPass& pass = passes[std::min(network, passes.size() - 1)];
    head_forward_training(noisy_weights_ ? heads_[network] : head, pass.inputs.data(),
                          dropout(k, step), activations_[k], outputs_[k].data());
  }
}

LossSum HeadStep::run(const Head& head, std::span<const RowConformer> items,
                      std::span<const NetworkPass> passes, uint32_t step, const BatchShare& share,
                      Head& gradient) {
  noisy_weights_ = touches_head(*fold_.methods);
  molecules_ = molecules_of(items);
  for (size_t k = 0; k < this->passes(); ++k) {
    outputs_[k].resize(items.size() * fold_.outputs());
    d_outputs_[k].assign(outputs_[k].size(), 0.f);
  }
  forward(passes, head, step);
  LossSum sum;
  if (share.labels > 0) sum = losses(rows_of(items), share.labels);
  // As a part of the mean over the batch's labels.
  if (plan_.pair) sum.sum += pair_loss(share) * (share.labels > 0 ? share.labels : share.sum_of);
  if (this->passes() == 1 && !noisy_weights_)
    backward(head, passes, step, gradient);
  else
    mean_backward(head, passes, step, gradient);
  return sum;
}

void HeadStep::backward(const Head& head, std::span<const NetworkPass> passes, uint32_t step,
                        Head& gradient) {
  float* d_inputs = passes[0].d_inputs.empty() ? nullptr : passes[0].d_inputs.data();
  head_backward(head, dropout(0, step), activations_[0], d_outputs_[0].data(), gradient, d_inputs);
}

void HeadStep::look(const Head& head, std::span<const RowConformer> items,
                    std::span<const float> inputs, const GradientSource::Target& target,
                    const Look& look, Head& gradient, std::span<float> d_inputs) {
  const std::vector<size_t> rows = rows_of(items);
  molecules_ = molecules_of(items);
  const HeadDropout noise{look.dropout ? plan_.head_rates[0] : 0, fold_.seed, look.step, molecules_,
                          random_purpose(look.purpose)};
  std::vector<float> outputs(items.size() * fold_.outputs()), d_outputs(outputs.size());
  head_forward_training(head, inputs.data(), noise, activations_[0], outputs.data());
  if (target)
    target(rows, outputs, d_outputs);
  else
    fold_loss(fold_, rows, outputs.data(), d_outputs.data(), look.weight);
  head_backward(head, noise, activations_[0], d_outputs.data(), gradient,
                d_inputs.empty() ? nullptr : d_inputs.data());
}

void HeadStep::weights_backward(size_t pass, uint32_t step, Head& gradient) const {
  if (!noisy_weights_) return;
  const MethodWeights weights(*fold_.methods, key(pass, step));
  each_noisy_weight(weights, gradient, [&](const WeightPart& part) { weights.backward(part); });
}

// The mean over all passes; of a network pass's inputs that of its own, as its part of that.
void HeadStep::mean_backward(const Head& head, std::span<const NetworkPass> passes, uint32_t step,
                             Head& gradient) {
  for (const NetworkPass& pass : passes) std::fill(pass.d_inputs.begin(), pass.d_inputs.end(), 0.f);
  std::vector<float> d_pass(passes[0].d_inputs.size());
  Head mean = make_head(head.kind, head.width, head.outputs, head.hidden), own = mean;
  const auto means = parameters(mean), owns = parameters(own), sums = parameters(gradient);
  const bool shared = passes.size() == 1;
  for (size_t k = 0; k < this->passes(); ++k) {
    const size_t network = k / samples();
    set_zero(own);
    head_backward(noisy_weights_ ? heads_[network] : head, dropout(k, step), activations_[k],
                  d_outputs_[k].data(), own, d_pass.empty() ? nullptr : d_pass.data());
    weights_backward(k, step, own);
    add_to_mean(d_pass, shared ? k : k % samples(), passes[shared ? 0 : network].d_inputs);
    for (size_t t = 0; t < owns.size(); ++t) add_to_mean(owns[t], k, means[t]);
  }
  for (size_t t = 0; t < sums.size(); ++t) add(means[t], sums[t]);
  if (shared) return;
  for (const NetworkPass& pass : passes)
    for (float& d : pass.d_inputs) d /= static_cast<float>(passes.size());
}

// The mean of the network passes' losses.
LossSum HeadStep::losses(const std::vector<size_t>& rows, double weight) {
  LossSum mean;
  for (size_t pass = 0; pass < heads_.size(); ++pass) {
    const LossSum one = loss_of(pass, rows, weight);
    mean.sum += (one.sum - mean.sum) / static_cast<double>(pass + 1);
    mean.weight = one.weight;
  }
  return mean;
}

// Over the head's samples: the mean of their losses, or the loss of their mean.
LossSum HeadStep::loss_of(size_t network_pass, const std::vector<size_t>& rows, double weight) {
  const size_t first = network_pass * samples();
  LossSum mean;
  if (plan_.mean_first) {
    const std::vector<float> output = mean_output(network_pass);
    mean = fold_loss(fold_, rows, output.data(), d_outputs_[first].data(), weight);
    for (size_t k = 1; k < samples(); ++k) d_outputs_[first + k] = d_outputs_[first];
    return mean;
  }
  for (size_t k = 0; k < samples(); ++k) {
    const LossSum one =
        fold_loss(fold_, rows, outputs_[first + k].data(), d_outputs_[first + k].data(), weight);
    mean.sum += (one.sum - mean.sum) / static_cast<double>(k + 1);
    mean.weight = one.weight;
  }
  return mean;
}

std::vector<float> HeadStep::mean_output(size_t network_pass) const {
  const size_t first = network_pass * samples();
  std::vector<float> mean = outputs_[first];
  for (size_t k = 1; k < samples(); ++k) add_to_mean(outputs_[first + k], k, mean);
  return mean;
}

// Between the means over each pass's samples. d_outputs_ are yet to be averaged over the passes.
double HeadStep::pair_loss(const BatchShare& share) {
  std::array<std::vector<float>, 2> outputs = {mean_output(0), mean_output(1)}, d;
  for (auto& gradient : d) gradient.assign(outputs[0].size(), 0.f);
  const PassPair pair{outputs[0].size() / fold_.outputs(),
                      fold_.outputs(),
                      {outputs[0].data(), outputs[1].data()},
                      {d[0].data(), d[1].data()}};
  const double loss = plan_.pair(pair, 2 * share.pair / share.molecules);
  for (size_t k = 0; k < passes(); ++k) add(d[k / samples()], d_outputs_[k]);
  return loss / 2;
}

}  // namespace molrt
