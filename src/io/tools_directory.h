#pragma once
// A directory saved by unimol_tools: config.yaml, model_0.pth ... model_{k-1}.pth, and, where the
// task has them, target_scaler.ss and threshold.dat (spec: checkpoints.md).
#include <functional>
#include <optional>
#include <string>

#include "base/tensor.h"
#include "model/card.h"

namespace molrt {

struct ToolsDirectory {
  ModelCard card;  // complete but for the dictionary
  TensorMap tensors;
  std::string weights_file;     // the first of them
  bool own_dictionary = false;  // its base model had another than the usual ones
  uint64_t bytes_read = 0;
};

// fold: only this one, as a model of one fold. Every complaint names the file and the key or
// tensor.
ToolsDirectory read_tools_directory(const std::string& path, std::optional<int> fold,
                                    const std::function<void(const std::string&)>& notice);

}  // namespace molrt
