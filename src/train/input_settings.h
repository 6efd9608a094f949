#pragma once
// The settings of what the head reads beside CLS: their rows of the table, and what they ask for.
#include "chem/descriptors.h"
#include "train/settings.h"

namespace molrt {

std::vector<SettingRow> input_settings();

DescriptorList read_descriptor_list(const Settings& settings);

}  // namespace molrt
