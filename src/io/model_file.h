#pragma once
// Models in and out: every weight file that molrt reads comes through here (FORMAT.md describes the
// container; spec: checkpoints.md the rest).
#include <memory>
#include <optional>
#include <string>

#include "base/file.h"
#include "io/open_options.h"
#include "model/model.h"

namespace molrt {

// The container, a safetensors file of bare weights, or a PyTorch archive.
Model open_model(ByteSource& source, const OpenOptions& options, const Log& log);
// The same by its path, which may also be a directory saved by unimol_tools, or by the name of a
// model that comes with molrt.
Model open_model(const std::string& name, const OpenOptions& options, const Log& log);

// Writes the container. dtype: how floating tensors are stored; nullopt: each as it is.
void save_model(const Model& model, const std::string& path, std::optional<Dtype> dtype);

// Everything known of a model as one JSON object (molrt_model_describe).
std::string describe_model(const Model& model);

}  // namespace molrt
