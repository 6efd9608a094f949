#pragma once
// The settings of training a head on a frozen encoder: their rows of the table, and their values in
// the form that the training reads.
#include <cstddef>
#include <cstdint>
#include <vector>

#include "nn/head.h"
#include "train/settings.h"
#include "train/split_settings.h"
#include "train/task_settings.h"

namespace molrt {

// Rows are molecules of the masks' counter, where bit 25 and up have another meaning.
constexpr size_t most_rows = size_t{1} << 25;

std::vector<SettingRow> head_settings();

struct HeadSettings {
  HeadKind kind;
  bool ridge;  // solver
  double pooler_dropout;
  int epochs;
  double lr;  // peak
  int batch_size;
  double warmup;  // fraction of the steps
  double clip;    // 0: off
  double adam_beta1, adam_beta2, adam_eps;
  double ema_beta;  // 0: off
  double weight_decay;
  int patience;  // 0: no early stopping
  int folds;
  uint64_t seed;
  TaskSettings task;
  double ridge_lambda;  // 0: chosen by leave-one-out
  bool standardise;
  SplitSettings split;
  Settings all;
};

// Why a setting of gradient steps has no effect, or "".
std::string without_steps(const Settings& settings);
// Why all dropout rates are 0, or "".
std::string why_no_dropout(const Settings& settings);
// A dropout rate of training by its setting's name.
double dropout_rate(const Settings& settings, const char* name);

// INVALID_ARGUMENT as Settings::validate.
HeadSettings read_head_settings(const Settings& settings);

}  // namespace molrt
