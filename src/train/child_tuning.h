#pragma once
// ChildTuning-F (spec: regularisers.md 0a and 8.1): in each step a part of the weights learns. An
// element's gradient (stage grad) or its update (stage update) is kept with the probability keep_f
// and then divided by it, else 0. With stage grad Adam's mean still moves what is dropped.
#include "train/method.h"

namespace molrt {

std::vector<SettingRow> child_tuning_settings();
std::unique_ptr<Method> make_child_tuning(const Settings& settings);

}  // namespace molrt
