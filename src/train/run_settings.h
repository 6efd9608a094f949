#pragma once
// The settings of a run as a whole: how many networks it trains, from what, and what becomes of
// them.
#include "kernels/matmul.h"
#include "train/settings.h"

namespace molrt {

std::vector<SettingRow> run_settings();

struct RunSettings {
  int seeds;           // networks of each fold
  bool refit;          // at the end on all rows
  bool continue_head;  // begin with the base model's own head and target scaling
};
Precision precision_of(const Settings& settings);
RunSettings read_run_settings(const Settings& settings);

}  // namespace molrt
