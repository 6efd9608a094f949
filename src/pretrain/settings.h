#pragma once
// Everything that can be set of a pre-training run.
#include "pretrain/masking.h"
#include "pretrain/network.h"
#include "train/settings.h"

namespace molrt {

const std::vector<SettingRow>& pretrain_settings_table();

struct PretrainSettings {
  uint64_t seed, steps, warmup, evaluate_every;
  size_t batch_size;
  double lr, clip, adam_beta1, adam_beta2, adam_eps, weight_decay, holdout;
  MaskSettings mask;
  PretrainRates dropout;
  LossWeights weights;
  Precision precision;
};
PretrainSettings read_pretrain_settings(const Settings& settings);

}  // namespace molrt
