#pragma once
// The settings of training the encoder beside the head: their rows of the table, and their values
// in the form that the training reads (spec: regularisers.md sections 2 and 5).
#include <string>
#include <vector>

#include "train/head_settings.h"

namespace molrt {

std::vector<SettingRow> network_settings();

// Whether the encoder stays as it is, so that representations are computed once.
bool encoder_is_frozen(const Settings& settings);

struct NetworkSettings {
  HeadSettings head;
  std::vector<std::string> frozen;  // beginnings of tensors' names
  bool quiet_when_frozen;           // no dropout in leading layers that are frozen
  double embedding, residual, attention, activation;  // dropout rates
  double l2sp, l2sp_head, llrd;
};

// INVALID_ARGUMENT as Settings::validate.
NetworkSettings read_network_settings(const Settings& settings);

}  // namespace molrt
