#pragma once
// Parameters by name, with their shapes checked: what every layer is built from.
#include <string>
#include <vector>

#include "base/tensor.h"

namespace molrt {

class Weights {
 public:
  // `file` names the source in errors; `tensors` must outlive this object.
  Weights(const TensorMap& tensors, std::string file) : tensors_(tensors), file_(std::move(file)) {}

  bool has(const std::string& name) const { return tensors_.contains(name); }
  // FORMAT errors: missing, another shape, or a value that is not finite.
  const Tensor& check(const std::string& name, const std::vector<int64_t>& shape) const;
  // The tensor as f32, so checked.
  std::vector<float> get(const std::string& name, const std::vector<int64_t>& shape) const;
  // The tensor's shape; FORMAT error if it is missing or has another rank.
  const std::vector<int64_t>& shape(const std::string& name, size_t rank) const;
  const TensorMap& all() const { return tensors_; }
  const std::string& file() const { return file_; }

 private:
  const Tensor& find(const std::string& name) const;

  const TensorMap& tensors_;
  std::string file_;
};

}  // namespace molrt
