#include "train/frozen_layers.h"

namespace molrt {

const float* FrozenLayers::forward(TrainableEncoder& encoder, Team& team,
                                   std::span<const Features* const> molecules,
                                   std::span<const size_t> numbers, const EncoderNoise& noise) {
  passing_.clear();
  compute(encoder, team, molecules, numbers, noise);
  std::vector<const LayerInput*> inputs;
  for (const size_t number : numbers) {
    const auto found = kept_.find(number);
    inputs.push_back(found != kept_.end() ? &found->second : &passing_.at(number));
  }
  return encoder.forward_trained(team, molecules, inputs, noise);
}

void FrozenLayers::compute(TrainableEncoder& encoder, Team& team,
                           std::span<const Features* const> molecules,
                           std::span<const size_t> numbers, const EncoderNoise& noise) {
  std::vector<const Features*> missing;
  std::vector<size_t> missing_numbers;
  for (size_t i = 0; i < numbers.size(); ++i) {
    if (kept_.contains(numbers[i])) continue;
    missing.push_back(molecules[i]);
    missing_numbers.push_back(numbers[i]);
  }
  if (missing.empty()) return;
  auto inputs = encoder.forward_frozen(team, missing, noise);
  for (size_t i = 0; i < missing.size(); ++i) keep(missing_numbers[i], std::move(inputs[i]));
}

void FrozenLayers::keep(size_t number, LayerInput input) {
  const size_t bytes = input.bytes();
  if (bytes > room_) {
    passing_.insert_or_assign(number, std::move(input));
  } else if (kept_.emplace(number, std::move(input)).second) {
    room_ -= bytes;
  }
}

}  // namespace molrt
