#pragma once
// The leading layers that are frozen: what leaves them is computed once for each molecule, as long
// as there is room for it, where nothing random precedes it.
#include <unordered_map>
#include <vector>

#include "model/trainable_encoder.h"

namespace molrt {

class FrozenLayers {
 public:
  explicit FrozenLayers(size_t most_bytes) : room_(most_bytes) {}

  // As encoder.forward() of the molecules with these numbers, to the same bytes: theirs are known
  // or computed now, with noise that is quiet below the first trained layer. All encoders that are
  // given have the same frozen layers.
  const float* forward(TrainableEncoder& encoder, Team& team,
                       std::span<const Features* const> molecules, std::span<const size_t> numbers,
                       const EncoderNoise& noise);
  size_t kept() const { return kept_.size(); }

 private:
  void compute(TrainableEncoder& encoder, Team& team, std::span<const Features* const> molecules,
               std::span<const size_t> numbers, const EncoderNoise& noise);
  void keep(size_t number, LayerInput input);

  size_t room_;                                     // bytes
  std::unordered_map<size_t, LayerInput> kept_;     // by number
  std::unordered_map<size_t, LayerInput> passing_;  // of this batch alone
};

}  // namespace molrt
