#pragma once
// MC dropout: predictions with the dropout of training, again and again (spec: regularisers.md 9).
// Pass t draws with purpose MC, step 0xFFFFFFFF and sample t, and a molecule's id is a hash of what
// the network reads: equal molecules have equal predictions wherever they stand.
#include <span>

#include "model/model.h"
#include "model/trainable_encoder.h"

namespace molrt {

uint32_t molecule_id(const Features& molecule);

// The noise of one pass over molecules with these ids.
EncoderNoise encoder_noise(const DropoutRates& rates, uint32_t sample,
                           std::span<const uint32_t> ids);
HeadDropout head_noise(const DropoutRates& rates, uint32_t sample, std::span<const uint32_t> ids);

// One of a model's encoders in double: the tensors as f32, without gradients.
class NoisyEncoder {
 public:
  NoisyEncoder(const Architecture& architecture, const TensorMap& tensors);
  // Representations of CLS [molecules, width]. Without noise the bytes of Encoder::forward.
  std::vector<float> cls(Team& team, std::span<const Features* const> molecules,
                         const EncoderNoise& noise);

 private:
  size_t width_;
  Parameters parameters_;
  TrainableEncoder encoder_;
};

// One output of one molecule, in its target's own units or as a probability.
struct Moments {
  double mean;     // over members and passes
  double within;   // mean over the members of the sample variance over passes; 0 without passes
  double between;  // sample variance over the members of their means; NaN with one
  // The mean over the folds of the variance among their seeds (Uncertainty::folds); NaN likewise.
  double between_seeds;
  // Of classes, in nats, NaN for a regression: entropy of the mean probabilities, and that less the
  // mean entropy, which is what members and passes disagree about. A multiclass model has one of
  // each for all its outputs.
  double entropy, information;
};

// values [1 + samples, folds, outputs]: what Model::scaled_outputs gives without noise and then in
// each pass -> [outputs]. Means are running ones, so that equal samples give themselves.
std::vector<Moments> moments_of(const ModelCard& card, std::span<const double> values, int samples);

}  // namespace molrt
