#include "pretrain/network.h"

#include <algorithm>
#include <cmath>

namespace molrt {
namespace {

// Tokens of molecules that go through the network together: their activations are held until they
// have gone back.
constexpr size_t most_tokens = 2048;

double known_labels(std::span<const float> labels) {
  return static_cast<double>(
      std::count_if(labels.begin(), labels.end(), [](float y) { return !std::isnan(y); }));
}

}  // namespace

PretrainNetwork::PretrainNetwork(const Architecture& a, const TensorMap& tensors, size_t tasks,
                                 const LossWeights& weights, Team& team)
    : weights_(weights),
      parameters_(without_supervised(tensors), "the network in pre-training"),
      engine_{a,
              tasks,
              team,
              TrainableEncoder(a, parameters_),
              PretrainHeads(parameters_, tensors, a, tasks),
              {},
              {},
              {},
              {},
              {},
              {},
              {}} {}

std::vector<TrainedTensor> PretrainNetwork::tensors(double decay) {
  std::vector<TrainedTensor> tensors;
  for (const auto& e : parameters_.entries())
    tensors.push_back({e.name, e.data.value, e.data.gradient});
  for (TrainedTensor& tensor : engine_.heads.supervised.tensors())
    tensors.push_back(std::move(tensor));
  for (TrainedTensor& tensor : tensors)
    if (!is_bias_or_norm(tensor.name)) tensor.decay = decay;
  return tensors;
}

TensorMap PretrainNetwork::copy_tensors() const {
  TensorMap tensors;
  for (const auto& e : parameters_.entries())
    tensors[e.name] = make_tensor(e.shape, {e.data.value.begin(), e.data.value.end()});
  engine_.heads.supervised.copy_tensors(tensors);
  return tensors;
}

// Each loss's weight by the number of its terms in the batch.
LossWeights PretrainNetwork::factors(std::span<const PretrainItem> batch) const {
  PretrainSums counts;
  for (const PretrainItem& item : batch) {
    const auto chosen = static_cast<double>(item.molecule.chosen.size());
    counts.add(PretrainLoss::token, 0, chosen);
    counts.add(PretrainLoss::coordinate, 0, 3 * chosen);
    counts.add(PretrainLoss::distance, 0, chosen * item.molecule.noised.length());
    counts.add(PretrainLoss::norm, 0);
    counts.add(PretrainLoss::pair_norm, 0);
    counts.add(PretrainLoss::supervised, 0, known_labels(item.labels));
  }
  LossWeights factors{};
  for (size_t i = 0; i < factors.size(); ++i)
    if (counts.count[i] > 0) factors[i] = weights_[i] / counts.count[i];
  return factors;
}

PretrainSums PretrainNetwork::run(std::span<const PretrainItem> batch, const PretrainRates& rates,
                                  PhiloxKey key, bool learn) {
  const LossWeights factors = this->factors(batch);
  PretrainSums sums;
  for (size_t first = 0, last; first < batch.size(); first = last) {
    size_t tokens = 0;
    for (last = first; last < batch.size(); ++last) {
      tokens += static_cast<size_t>(batch[last].molecule.noised.length());
      if (last > first && tokens > most_tokens) break;
    }
    sums +=
        PretrainPart(engine_, batch.subspan(first, last - first), factors).run(rates, key, learn);
  }
  return sums;
}

PretrainSums PretrainNetwork::learn(std::span<const PretrainItem> batch, const PretrainRates& rates,
                                    PhiloxKey key) {
  parameters_.clear_gradients();
  engine_.heads.supervised.clear_gradients();
  return run(batch, rates, key, true);
}

PretrainSums PretrainNetwork::evaluate(std::span<const PretrainItem> batch) {
  return run(batch, {0, 0, 0, 0}, {}, false);
}

}  // namespace molrt
