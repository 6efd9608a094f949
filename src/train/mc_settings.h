#pragma once
// The settings of a model's uncertainty: their rows of the table, and what they come to (spec:
// regularisers.md 9 and 14).
#include <vector>

#include "model/uncertainty.h"
#include "train/settings.h"

namespace molrt {

std::vector<SettingRow> mc_settings();

enum class ModeChoice { deterministic, mc, by_held_out_rows };

struct McSettings {
  int samples;  // of an MC prediction
  Calibrated kind;
  ModeChoice mode;
  uint64_t seed;
};
McSettings read_mc_settings(const Settings& settings);

// Passes over the held-out rows that a run makes of a model with this dropout; 0 where nobody asks.
int held_out_passes(const Settings& settings, const DropoutRates& rates);

// The dropout of training, for prediction. `quiet_layers` of the encoder's `layers` had none.
DropoutRates dropout_rates(const Settings& settings, int layers, int quiet_layers);

}  // namespace molrt
