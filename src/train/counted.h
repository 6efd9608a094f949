#pragma once
// What a run's regularisation weighs and costs, by counting (spec: regularisers.md sections 0 and
// 10): told before the run and stored with it.
#include <string>

#include "train/method.h"

namespace molrt {

// quiet_layers: leading ones without dropout.
Counted count_run(const Settings& settings, int layers, int quiet_layers);

// JSON: encoder_kappa and head_kappa (null for other losses than the squared error), cost (a step's
// operations, in plain steps) and extra_epochs (plain ones beside those that train); "" for
// solver=ridge.
std::string counted_json(const Settings& settings, const Counted& counted);

}  // namespace molrt
