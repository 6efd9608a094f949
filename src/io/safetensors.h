#pragma once
// safetensors, in and out: molrt's own container (FORMAT.md) and the output of `molrt embed`.
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "base/file.h"
#include "base/tensor.h"

namespace molrt {

struct Safetensors {
  TensorMap tensors;
  std::map<std::string, std::string> metadata;  // __metadata__
};

bool looks_like_safetensors(ByteSource& source);
// Checks all of safetensors' rules: header size, no duplicate keys, offsets contiguous without
// holes or overlap, end equals the file's end, products checked.
Safetensors read_safetensors(ByteSource& source);

// Header padded so that the data starts 64-byte aligned; wider numbers first, then in order of
// names, so that every tensor is aligned to its numbers. INVALID_ARGUMENT for texts that are not
// UTF-8.
void write_safetensors(AtomicFile& file, const TensorMap& tensors,
                       const std::map<std::string, std::string>& metadata);
// The same of tensors that tell only dtype and shape: write_data(name) writes the bytes of each.
void write_safetensors(AtomicFile& file, const TensorMap& shapes,
                       const std::map<std::string, std::string>& metadata,
                       const std::function<void(const std::string&)>& write_data);

}  // namespace molrt
