#pragma once
// ChildTuning-D (Xu et al. 2021; spec: regularisers.md 0a and 8.2): of the encoder's layers only
// the elements with the most Fisher information learn; the others keep the values that training
// began with.
#include "train/method.h"

namespace molrt {

std::vector<SettingRow> fisher_child_settings();
std::unique_ptr<Method> make_fisher_child(const Settings& settings);

}  // namespace molrt
