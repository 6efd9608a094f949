#pragma once
// The settings of what the head reads beside CLS: their rows of the table, and what they ask for.
#include "chem/descriptors.h"
#include "train/settings.h"

namespace molrt {

std::vector<SettingRow> input_settings();

// inputs=auto becomes what it stands for: `of_base` what the base model's head reads, where it is
// gone on with, else null; `has_bonds`: of all molecules.
void settle_inputs(Settings& settings, bool has_bonds, const DescriptorList* of_base);

// Of settled ones.
DescriptorList read_descriptor_list(const Settings& settings);

}  // namespace molrt
