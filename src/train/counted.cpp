#include "train/counted.h"

#include <nlohmann/json.hpp>

#include "train/mc_settings.h"
#include "train/network_settings.h"
#include "train/task_settings.h"

namespace molrt {

Counted count_run(const Settings& s, int layers, int quiet_layers) {
  const DropoutRates rates = dropout_rates(s, layers, quiet_layers);
  Counted plain;
  plain.whole_network = !encoder_is_frozen(s);
  plain.layers = layers;
  plain.noisy_encoder = rates.in_encoder();
  plain.encoder_kappa = rates.in_encoder() ? 1 : 0;
  plain.head_kappa = rates.pooler > 0 ? 1 : 0;
  return count_methods(*make_methods(s), plain);
}

std::string counted_json(const Settings& s, const Counted& counted) {
  if (s.text("solver") == "ridge") return "";
  const bool squared = read_task_settings(s).loss.kind == LossKind::mse;
  nlohmann::ordered_json json;
  const auto kappa = [&](double value) {
    return squared ? nlohmann::ordered_json(value) : nlohmann::ordered_json();
  };
  json["encoder_kappa"] = kappa(counted.encoder_kappa);
  json["head_kappa"] = kappa(counted.head_kappa);
  json["cost"] = counted.factor;
  json["extra_epochs"] = counted.extra_epochs;
  return json.dump();
}

}  // namespace molrt
