#pragma once
// A whole network in training: the encoder and its head, from a fold's molecules to gradients.
#include <deque>
#include <memory>
#include <optional>

#include "model/mc.h"
#include "model/trainable_encoder.h"
#include "train/counted.h"
#include "train/fold.h"
#include "train/frozen_layers.h"
#include "train/key_dropper.h"
#include "train/network_settings.h"
#include "train/unlabelled.h"

namespace molrt {

// [conformers], as HeadTrainingData's table counts them.
using TrainingMolecules = std::vector<const Features*>;

// Whether the encoder's tensor stays as it is.
bool is_frozen_by(const NetworkSettings& settings, const std::string& name);
// The leading layers that stay as they are, with all that feeds them; -1: what feeds the first is
// trained.
int frozen_layers(const Model& base, const NetworkSettings& settings);
// Those of them that have no dropout.
int quiet_layers(const Model& base, const NetworkSettings& settings);

// INVALID_ARGUMENT for a frozen prefix that no tensor of the base's encoder has.
void check_frozen(const Model& base, const NetworkSettings& settings);

class NetworkTrainee : public Trainee {
 public:
  // All of these outlive it. `frozen` may be shared by networks that begin alike.
  NetworkTrainee(const Model& base, const TrainingMolecules& molecules, const Fold& fold,
                 const NetworkSettings& settings, Team& team, FrozenLayers& frozen);

  std::vector<TrainedTensor> tensors() override;
  std::vector<double> objectives() override { return objectives_of(head_step_.plan().unlabelled); }
  LossSum learn(std::span<const size_t> rows, const StepAt& at, size_t objective) override;
  void gradients(std::span<const size_t> rows, const Target& target, bool dropout, uint32_t step,
                 Purpose purpose) override;
  Evaluation evaluate(std::span<const size_t> rows) override;
  double spread_ratio() override;
  // Of all conformers of the rows, evaluation mode, [conformers, outputs].
  std::vector<float> predict(std::span<const size_t> rows);
  // The same in a pass of MC prediction.
  std::vector<float> predict_noisy(std::span<const size_t> rows, const DropoutRates& rates,
                                   uint32_t sample);

  const Head& head() const { return head_; }
  size_t encoder_size() const { return parameters_.values().size(); }  // numbers
  // The encoder's tensors as they are now, in memory of their own.
  TensorMap encoder_tensors() const;

 private:
  using Items = std::span<const RowConformer>;
  // What goes through the network at once, and is held until it has gone back: one of a step's
  // passes, or all of them where they read the same weights.
  struct Pass {
    TrainableEncoder encoder;
    EncoderNoise noise;
    std::optional<MethodWeights> weights;
    std::vector<float> inputs, d_inputs;  // the head's, [items, head_width]
  };
  Pass& first() { return passes_.front(); }
  void clear_gradients();
  void train_part(Items items, const StepAt& at, const BatchShare& share, LossSum& total);
  // Those that the step's passes do without; null: none.
  const DroppedKeys* choose_keys(Items items, const StepAt& at);
  // [items, head_width]
  std::vector<float> head_inputs(Pass& pass, Items items, const EncoderNoise& noise);
  std::vector<float> inputs_of(const Pass& pass, Items items, const float* tokens) const;
  const float* representations(Pass& pass, Items items, const EncoderNoise& noise);
  EncoderNoise noise(Purpose purpose, uint32_t pass, uint32_t step) const;
  void make_passes(const Counted& counted);
  void run_pass(Pass& pass, uint32_t number, Items items, uint32_t step,
                const DroppedKeys* dropped);
  void set_noise(Pass& pass, uint32_t number, uint32_t step);
  void backward(Pass& pass);
  bool is_frozen(const std::string& name) const;
  double rate_factor(const std::string& name) const;
  TrainedTensor trained(const Parameters::Entry& entry) const;

  const Model& base_;
  const TrainingMolecules& molecules_;
  const Fold& fold_;
  const NetworkSettings& settings_;
  Team& team_;
  FrozenLayers& frozen_;
  TensorMap base_tensors_;  // of the base's fold that this one begins with
  size_t width_;
  Parameters parameters_;
  std::deque<Pass> passes_;
  size_t together_ = 1;  // of the step's passes in each of these
  Head head_, head_gradient_;
  HeadStep head_step_;
  std::optional<KeyDropper> key_dropper_;
  std::vector<float> origin_;  // of all encoder parameters, where something wants it
  int frozen_layers_;          // leading layers, with all that feeds them
  int quiet_layers_;           // those of them that have no dropout
  HeadActivations activations_;
  std::vector<uint32_t> ids_, purposes_;  // of the batch
};

}  // namespace molrt
