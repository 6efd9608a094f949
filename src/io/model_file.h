#pragma once
// Models in and out: every weight file that molrt reads comes through here (FORMAT.md describes the
// container; spec: checkpoints.md the rest).
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/file.h"
#include "model/model.h"

namespace molrt {

struct OpenOptions {
  std::optional<Hydrogens> hydrogens;  // what is given here wins over the file
  std::optional<TokenLayout> layout;
  std::optional<int> max_atoms;
  std::string dictionary_path;  // "": by the vocabulary's size, else beside the file
  std::optional<int> fold;      // one network of a k-fold model; else all
};

// Told what had to be assumed, so that the caller can override it.
using Notice = std::function<void(const std::string&)>;

// The container, a safetensors file of bare weights, or a PyTorch archive.
Model open_model(ByteSource& source, const OpenOptions& options, const Notice& notice);
// The same by its path, which may also be a directory saved by unimol_tools.
Model open_model(const std::string& path, const OpenOptions& options, const Notice& notice);

// Writes the container. dtype: how floating tensors are stored; nullopt: each as it is.
void save_model(const Model& model, const std::string& path, std::optional<Dtype> dtype);

// Everything known of a model as one JSON object (molrt_model_describe).
std::string describe_model(const Model& model);

}  // namespace molrt
