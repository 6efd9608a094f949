#pragma once
// config.yaml of a directory saved by unimol_tools: one flat mapping, written by Python's
// yaml.dump.
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "features/dictionary.h"
#include "model/card.h"

namespace molrt {

struct ToolsConfig {
  Task task = Task::none;
  std::string task_text;             // as unimol_tools calls it
  std::vector<std::string> targets;  // columns
  int classes = 0;                   // of a multiclass task
  bool scaled = false;               // whether a target_scaler.ss is needed
  bool scaled_if_there = false;      // whether one is used if there: nothing says what was done
  std::string target_normalize;
  Hydrogens hydrogens = Hydrogens::all;
  TokenLayout layout = TokenLayout::file_order;
  PairKernel kernel = PairKernel::gaussian;  // by data_type
  int folds = 0;
  int max_atoms = default_max_atoms;
  std::string own_dictionary;                 // pretrained_dict_path, "" if none
  std::map<std::string, std::string> values;  // every key with a simple value
};

// `file` names the text in errors: FORMAT for what is broken or contradicts itself, UNSUPPORTED for
// tasks, models and kinds of data that molrt does not predict, each by its key.
ToolsConfig parse_tools_config(std::string_view text, const std::string& file);

}  // namespace molrt
