#pragma once
// ChildTuning (Xu et al. 2021; spec: regularisers.md 0a and 8.1) and update dropout. F, here: in
// each step a random part of the elements learns. An element's gradient (stage grad) or its update
// (stage update) is kept with the probability keep_f and then divided by it, else 0. With stage
// grad Adam's mean still moves what is dropped. D: fisher_child.h.
#include "train/method.h"

namespace molrt {

// Modes F and FD; D and FD.
bool has_random_child(const Settings& settings);
bool has_fisher_child(const Settings& settings);

std::vector<SettingRow> child_tuning_settings();
std::unique_ptr<Method> make_child_tuning(const Settings& settings);
std::vector<std::string> child_tuning_warnings(const Settings& settings);

}  // namespace molrt
