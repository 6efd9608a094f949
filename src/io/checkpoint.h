#pragma once
// Foreign weights in: PyTorch archives of Uni-Mol, read without executing anything
// (spec: checkpoints.md).
#include <memory>

#include "base/file.h"
#include "base/tensor.h"

namespace molrt {

// The model's tensors of a .pt/.pth archive: a bare state dict, {"model": ...} (a trainer
// checkpoint or official weights) or {"model_state_dict": ...}; prefixes `model.` and `module.` are
// removed. Only the directory, the
// pickle and the model's own storages are read. FORMAT or UNSUPPORTED errors name the file and the
// entry or tensor.
TensorMap read_torch_checkpoint(ByteSource& source);

// The same tensors without the prefixes `model.` and `module.`; FORMAT error where two names meet.
TensorMap without_prefixes(TensorMap tensors, const std::string& file);

}  // namespace molrt
