#pragma once
// The network in pre-training: masked molecules in, the losses of the recipe and their gradients
// out (spec: model.md section 5).
#include <span>
#include <vector>

#include "pretrain/part.h"

namespace molrt {

class PretrainNetwork {
 public:
  // tensors: an encoder's, with_pretraining_heads().
  PretrainNetwork(const Architecture& architecture, const TensorMap& tensors, size_t tasks,
                  const LossWeights& weights, Team& team);

  std::vector<TrainedTensor> tensors(double decay);  // decay: of weights, not of biases and norms
  // Sets the gradients to those of the losses' weighted sum, each the mean over the batch. The same
  // bytes whatever the threads.
  PretrainSums learn(std::span<const PretrainItem> batch, const PretrainRates& rates,
                     PhiloxKey key);
  PretrainSums evaluate(std::span<const PretrainItem> batch);  // without dropout or gradients
  TensorMap copy_tensors() const;

 private:
  LossWeights factors(std::span<const PretrainItem> batch) const;
  PretrainSums run(std::span<const PretrainItem> batch, const PretrainRates& rates, PhiloxKey key,
                   bool learn);

  LossWeights weights_;
  Parameters parameters_;
  PretrainEngine engine_;
};

}  // namespace molrt
