#pragma once
// Mixout (Lee et al. 2020; spec: regularisers.md 0a and 4): in each pass of training a random part
// of the weights is what it was when training began,
//   W = u + M (w - u) / (1 - p),   dw = M dW / (1 - p),   M ~ Bernoulli(1 - p)
// by input columns or by elements. With u = 0 it is DropConnect.
#include "train/method.h"

namespace molrt {

bool mixout_is_on(const Settings& settings);
bool mixout_replaces_dropout(const Settings& settings);

std::vector<SettingRow> mixout_settings();
std::unique_ptr<Method> make_mixout(const Settings& settings);
std::vector<std::string> mixout_warnings(const Settings& settings);

}  // namespace molrt
