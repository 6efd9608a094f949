#include "probe/options.h"

#include <algorithm>

#include "base/error.h"

namespace molrt {
namespace {

template <typename T>
void sort_distinct(std::vector<T>& values, const char* what) {
  if (values.empty()) fail(MOLRT_ERROR_INVALID_ARGUMENT, "no {} to probe", what);
  std::sort(values.begin(), values.end());
  const auto twice = std::adjacent_find(values.begin(), values.end());
  if (twice != values.end())
    fail(MOLRT_ERROR_INVALID_ARGUMENT, "{} {} is there twice", what, *twice);
}

void check_layer(int layer, int layers) {
  if (layer < 0 || layer >= layers)
    fail(MOLRT_ERROR_INVALID_ARGUMENT, "layer {}: the model's layers are 0 to {}", layer,
         layers - 1);
}

void check_rate(double rate) {
  if (!(rate > 0 && rate < 1))
    fail(MOLRT_ERROR_INVALID_ARGUMENT, "rate {}: expected a number above 0 and below 1", rate);
}

}  // namespace

const char* attribution_name(ProbeAttribution attribution) {
  return attribution == ProbeAttribution::gold ? "gold" : "abs";
}

std::vector<ProbeOrder> probe_orders(const ProbeOptions& options) {
  std::vector<ProbeOrder> orders = {{std::nullopt, KeyOrder::random}};
  for (const ProbeAttribution attribution : options.attributions)
    for (const KeyOrder order : {KeyOrder::low, KeyOrder::high})
      orders.push_back({attribution, order});
  return orders;
}

std::vector<int> usual_probe_layers(int layers) {
  constexpr int few = 8;
  if (layers > few) return {0, layers / 2, layers - 1};
  std::vector<int> all;
  for (int layer = 0; layer < layers; ++layer) all.push_back(layer);
  return all;
}

std::vector<double> usual_probe_rates() { return {.1, .2, .3, .4, .5, .6, .7, .8, .9}; }

ProbeOptions checked(ProbeOptions options, const Architecture& architecture) {
  for (const int layer : options.layers) check_layer(layer, architecture.layers);
  for (const double rate : options.rates) check_rate(rate);
  sort_distinct(options.layers, "layer");
  sort_distinct(options.rates, "rate");
  if (options.attributions.empty()) fail(MOLRT_ERROR_INVALID_ARGUMENT, "no attribution to probe");
  return options;
}

// A pass up to the layer; from there on, for each rate, one at random, and for each network one
// without dropping, a way back for each attribution, and its low and high ones.
size_t probe_steps(const Model& model, const ProbeOptions& options, size_t encoder, int layer) {
  const size_t rates = options.rates.size(), attributions = options.attributions.size();
  const size_t network = 1 + attributions + 2 * attributions * rates;
  const auto above = static_cast<size_t>(model.card().architecture.layers - layer);
  return static_cast<size_t>(layer) +
         above * (rates + model.folds_of_encoder(encoder).size() * network);
}

double probe_passes(const Model& model, const ProbeOptions& options) {
  size_t steps = 0;
  for (size_t encoder = 0; encoder < model.encoders(); ++encoder)
    for (const int layer : options.layers) steps += probe_steps(model, options, encoder, layer);
  return static_cast<double>(steps) / model.card().architecture.layers +
         static_cast<double>(model.encoders());
}

}  // namespace molrt
