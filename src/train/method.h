#pragma once
// A way of regularising that acts within the training loop (spec: regularisers.md), as the loop
// sees it: it calls every method at each hook and names none. A new one is a file like
// child_tuning.cpp and a line in methods.cpp.
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/philox.h"
#include "train/settings.h"

namespace molrt {

// Elements first ... first + values.size() of a tensor in training.
struct TensorPart {
  uint32_t tensor;  // tensor_number() of its name: the random numbers' counter
  uint64_t first;
  std::span<float> values;
};
uint32_t tensor_number(std::string_view name);

// How the head is run in a training step.
struct HeadPlan {
  std::vector<double> rates;  // dropout's, of each of its passes over the same inputs
  bool mean_first = false;    // the loss is that of the passes' mean output, not the mean of losses
};

// The hooks of an optimiser step, in the order in which they come. Each is called for all parts of
// all tensors, on any thread, a part at a time; what it draws, it draws by `key` and the part.
class Method {
 public:
  virtual ~Method() = default;
  // Before training: the plan is one pass with pooler_dropout, or what the methods before made of
  // it.
  virtual void on_head(HeadPlan& plan) const { (void)plan; }
  // After clipping, before Adam's moments.
  virtual void on_gradient(PhiloxKey, const TensorPart& gradient) const { (void)gradient; }
  // What Adam adds to the weights, before decay and pull.
  virtual void on_update(PhiloxKey, const TensorPart& update) const { (void)update; }
  virtual bool has_on_update() const { return false; }
};

using Methods = std::vector<std::unique_ptr<Method>>;

HeadPlan head_plan(const Methods& methods, double pooler_dropout);

// Rows of the settings' table for all methods, and those methods that are switched on.
std::vector<SettingRow> method_settings();
std::shared_ptr<const Methods> make_methods(const Settings& settings);

}  // namespace molrt
