#pragma once
// What a probe of source 002 does without (spec: regularisers.md 7.1 to 7.3, 13 E5a): keys of the
// attention, one layer at a time, more and more of them.
#include <cstdint>
#include <optional>
#include <vector>

#include "model/model.h"
#include "nn/dropped_keys.h"

namespace molrt {

// Keys are ranked by dt/dA of a pass without dropout, where t is of
//   gold: minus the squared errors over the valid labels, in scaled units; of classes, minus the
//         cross-entropy
//   abs:  the sum of the outputs, and the magnitude counts; of classes, the predicted class's logit
//         (of each output of one logit, sign(z) z), and the sign counts
enum class ProbeAttribution : uint32_t { gold = 1, abs = 2 };  // MOLRT_ATTRIBUTION_*
const char* attribution_name(ProbeAttribution attribution);    // "gold", "abs"

struct ProbeOptions {
  std::vector<int> layers;    // ascending
  std::vector<double> rates;  // parts of the keys; ascending
  std::vector<ProbeAttribution> attributions;
  uint64_t seed = 0;  // of the random order
};

// Which keys go first.
struct ProbeOrder {
  std::optional<ProbeAttribution> attribution;  // none: at random
  KeyOrder order;
};
// At random, then the low and the high ones of each attribution.
std::vector<ProbeOrder> probe_orders(const ProbeOptions& options);

std::vector<int> usual_probe_layers(int layers);  // all of up to 8, else first, middle and last
std::vector<double> usual_probe_rates();          // .1 to .9

// Sorts layers and rates. INVALID_ARGUMENT for a layer that the model lacks, a rate that is not
// above 0 and below 1, for one that is there twice and where there is none.
ProbeOptions checked(ProbeOptions options, const Architecture& architecture);

// Layers that one conformer goes through in one of the encoders to probe one layer, there and back.
size_t probe_steps(const Model& model, const ProbeOptions& options, size_t encoder, int layer);
// The same in passes through the whole network, for all layers and encoders, with the prediction
// that it begins with.
double probe_passes(const Model& model, const ProbeOptions& options);

}  // namespace molrt
