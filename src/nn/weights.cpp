#include "nn/weights.h"

#include <cmath>

#include "base/error.h"

namespace molrt {

const Tensor& Weights::find(const std::string& name) const {
  const auto found = tensors_.find(name);
  if (found == tensors_.end()) fail(MOLRT_ERROR_FORMAT, "{}: tensor '{}' is missing", file_, name);
  return found->second;
}

const std::vector<int64_t>& Weights::shape(const std::string& name, size_t rank) const {
  const auto& shape = find(name).shape;
  if (shape.size() != rank)
    fail(MOLRT_ERROR_FORMAT, "{}: tensor '{}' has shape {}, expected {} dimensions", file_, name,
         shape_text(shape), rank);
  return shape;
}

std::vector<float> Weights::get(const std::string& name, const std::vector<int64_t>& shape) const {
  const Tensor& tensor = find(name);
  if (tensor.shape != shape)
    fail(MOLRT_ERROR_FORMAT, "{}: tensor '{}' has shape {}, expected {}", file_, name,
         shape_text(tensor.shape), shape_text(shape));
  std::vector<float> values = to_f32(tensor);
  for (size_t i = 0; i < values.size(); ++i)
    if (!std::isfinite(values[i]))
      fail(MOLRT_ERROR_FORMAT, "{}: tensor '{}' has a value that is not finite ({}) at element {}",
           file_, name, values[i], i);
  return values;
}

}  // namespace molrt
