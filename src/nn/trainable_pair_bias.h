#pragma once
// The way back of pair_bias.h: from the gradient of the first layer's attention bias to those of
// the pair kernel's parameters. The forward pass is PairBias itself, on the parameters' current
// values.
#include <memory>
#include <span>

#include "nn/encoder_layer.h"
#include "nn/parameters.h"
#include "nn/team.h"
#include "nn/weight_noise.h"

namespace molrt {

struct TokenView {           // one molecule
  const int32_t* tokens;     // [n]
  const float* coordinates;  // [n, 3], Angstrom
};

class TrainablePairBias {
 public:
  TrainablePairBias(const Parameters& parameters, PairKernel kernel, int vocabulary, int heads);
  ~TrainablePairBias();

  // Fills the batch's pair matrices. noise: on the linear layers' weights; null: none.
  void forward(Team& team, const PackedBatch& batch, std::span<const TokenView> molecules,
               const WeightNoise* noise) const;
  // d_pair is laid out as the batch's pair matrices. Adds to the parameters' gradients.
  void backward(Team& team, const PackedBatch& batch, std::span<const TokenView> molecules,
                const WeightNoise* noise, const float* d_pair);

 private:
  class Pass;
  const Parameters& parameters_;
  PairKernel kernel_;
  int vocabulary_, heads_;
};

}  // namespace molrt
