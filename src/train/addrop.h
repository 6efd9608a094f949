#pragma once
// AD-DROP with cross-tuning (Yang et al. 2022; spec: regularisers.md 0a and 7): in every second
// epoch a first pass attributes what is predicted to the attention, and of each query's keys with
// the highest attribution a random part is left out of the pass that is learnt from.
#include "train/method.h"

namespace molrt {

std::vector<SettingRow> addrop_settings();
std::unique_ptr<Method> make_addrop(const Settings& settings);
std::vector<std::string> addrop_warnings(const Settings& settings);

}  // namespace molrt
