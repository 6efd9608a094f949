#pragma once
// Multi-Sample Dropout (spec: regularisers.md 0a and 3): the head's passes of one representation
// with msd.n masks, sample k of the counter, whose losses (reduce=loss) or outputs (reduce=pred)
// are averaged. The encoder runs once.
#include "train/method.h"

namespace molrt {

std::vector<SettingRow> multi_sample_settings();
std::unique_ptr<Method> make_multi_sample(const Settings& settings);

// Whether pooler_dropout is not read.
bool pooler_rate_is_replaced(const Settings& settings);
// The head's dropout rate in training: pooler_dropout, or msd.p instead.
double head_rate(const Settings& settings);

}  // namespace molrt
