#pragma once
// A way of regularising that acts within the training (spec: regularisers.md), as the training sees
// it: it calls every method at each hook and names none. A new one is a file like child_tuning.cpp
// and a line in methods.cpp; src/train/METHODS.md goes through the steps.
#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/philox.h"
#include "nn/weight_noise.h"
#include "train/attention_plan.h"
#include "train/settings.h"
#include "train/trained_tensor.h"

namespace molrt {

// Elements first ... first + values.size() of a tensor in training.
struct TensorPart {
  uint32_t tensor;  // tensor_number() of its name: the random numbers' counter
  uint64_t first;
  std::span<float> values;
};
uint32_t tensor_number(std::string_view name);

// What two passes over the same molecules gave, [rows, outputs] each, and where gradients go.
struct PassPair {
  size_t rows, outputs;
  std::array<const float*, 2> outputs_of;
  std::array<float*, 2> gradients;  // added to
};
// scale times the sum over the rows of a loss that needs no labels, such as a distance (a row's
// tasks count as their mean); adds its gradients.
using PairLoss = std::function<double(const PassPair& pair, double scale)>;

// What is learnt of molecules without labels.
struct UnlabelledPlan {
  bool on = false;
  double weight = 1;       // of their pair loss
  double ramp = 0;         // part of the steps in which the weight rises to that
  bool alternate = false;  // in steps of their own, with moments of their own, or beside the others
  double rate_factor = 1;  // of the learning rate of such steps
};

// How a training step runs the network.
struct PassPlan {
  // Dropout of each of the head's passes over the same representation.
  std::vector<double> head_rates;
  bool mean_first = false;  // the loss is that of these passes' mean output, not the mean of losses
  // Passes over the whole network, with noise of their own; their losses are averaged.
  int passes = 1;
  PairLoss pair;              // of two such passes, beside that; null: none
  UnlabelledPlan unlabelled;  // of that pair loss
};

// One pass of one optimiser step.
struct PassKey {
  PhiloxKey key;
  uint32_t pass;  // rdrop_pass of the counter
};

// What a method may ask of the training outside of its steps.
class GradientSource {
 public:
  // From the outputs [rows, outputs] of some of the rows the gradient of a sum over them.
  using Target = std::function<void(std::span<const size_t> rows, std::span<const float> outputs,
                                    std::span<float> d_outputs)>;
  virtual ~GradientSource() = default;
  // Sets the tensors' gradients to those of the target's sum (none: of the mean loss of the rows),
  // with or without dropout, which is drawn by `step` and `purpose`.
  virtual void gradients(std::span<const size_t> rows, const Target& target, bool dropout,
                         uint32_t step, Purpose purpose) = 0;
};

struct EpochStart {
  int epoch;  // from 0
  GradientSource& source;
  std::span<const TrainedTensor> tensors;
  std::span<const size_t> rows;  // that are trained on
  size_t batch_size;
  uint64_t seed;
  int threads;
  std::function<void()> check_cancelled;
};

// What training costs and what it weighs: see print_regularisation().
struct Counted {
  // The weight of the outputs' variance in the expected squared error: that of the noise in the
  // encoder, and of the head's (spec: section 0 point 3); 0: no noise there.
  double encoder_kappa = 0, head_kappa = 0;
  double mean_head = 1;        // variance of the mean over the head's passes, by that of one
  bool whole_network = false;  // else the head alone is trained
  int layers = 0;
  bool noisy_weights = false;  // of the encoder
  bool noisy_encoder = false;  // else what leaves it is computed once in a step
  double factor = 1;           // of a plain step's operations, 3 forward passes
  double extra_epochs = 0;     // plain epochs before or between
};

// Words that a method keeps: none, or so many.
struct MethodState {
  std::string name;
  size_t size;
  std::vector<int64_t>& words;
};

// The hooks, in the order in which they come. Those of tensors' and weights' parts are called for
// all parts, on any thread, a part at a time; what they draw, they draw by the key and the part.
// Each network in training has methods of its own.
class Method {
 public:
  virtual ~Method() = default;
  // Before training: the plan is one pass with pooler_dropout, or what the methods before made of
  // it.
  virtual void on_plan(PassPlan&) const {}
  // The same of what is told of the run, which knows dropout alone.
  virtual void on_counted(Counted&) const {}
  // INVALID_ARGUMENT for what this run cannot give, whose first `frozen` layers are not trained.
  virtual void on_check(const Counted&, int frozen) const { (void)frozen; }
  // Whether TrainedTensor::origin is wanted.
  virtual bool needs_origin() const { return false; }
  // Before a checkpoint's values come.
  virtual void on_start(std::span<const TrainedTensor>) {}
  // Before the first step of an epoch.
  virtual void on_epoch(const EpochStart&) {}
  // Before each step, of the epoch from 0.
  virtual void on_attention(int epoch, AttentionPlan&) const { (void)epoch; }
  // Weights of linear layers in a pass: nn/weight_noise.h.
  virtual bool has_on_weight(std::string_view) const { return false; }
  virtual void on_weight(PassKey, const WeightPart&) const {}
  virtual void on_weight_gradient(PassKey, const WeightPart&) const {}
  // After clipping, before Adam's moments.
  virtual void on_gradient(PhiloxKey, const TensorPart&) const {}
  // What Adam adds to the weights, before decay and pull.
  virtual bool has_on_update() const { return false; }
  virtual void on_update(PhiloxKey, const TensorPart&) const {}
  // Factors, all 1, of what decay and pull then add.
  virtual bool has_on_decay() const { return false; }
  virtual void on_decay(const TensorPart&) const {}
  // What cannot be had from the settings and the base model again, for the checkpoint.
  virtual std::vector<MethodState> state() { return {}; }
};

using Methods = std::vector<std::unique_ptr<Method>>;

PassPlan pass_plan(const Methods& methods, double pooler_dropout);
AttentionPlan attention_plan(const Methods& methods, int epoch);
// `plain`: of a run without methods.
Counted count_methods(const Methods& methods, Counted plain);

// All methods' noise on the weights in one pass.
class MethodWeights : public WeightNoise {
 public:
  MethodWeights(const Methods& methods, PassKey key) : methods_(methods), key_(key) {}
  bool touches(std::string_view name) const override;
  void forward(const WeightPart& weight) const override;
  void backward(const WeightPart& gradient) const override;

 private:
  const Methods& methods_;
  PassKey key_;
};

// Rows of the settings' table for all methods, and those methods that are switched on.
std::vector<SettingRow> method_settings();
std::shared_ptr<Methods> make_methods(const Settings& settings);
// What is legal but rarely meant.
std::vector<std::string> method_warnings(const Settings& settings);

}  // namespace molrt
