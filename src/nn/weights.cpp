#include "nn/weights.h"

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

const Tensor& Weights::check(const std::string& name, const std::vector<int64_t>& shape) const {
  const Tensor& tensor = find(name);
  if (tensor.shape != shape)
    fail(MOLRT_ERROR_FORMAT, "{}: tensor '{}' has shape {}, expected {}", file_, name,
         shape_text(tensor.shape), shape_text(shape));
  if (const auto i = first_not_finite(tensor))
    fail(MOLRT_ERROR_FORMAT, "{}: tensor '{}' has a value that is not finite ({}) at element {}",
         file_, name, FloatView(tensor).values()[*i], *i);
  return tensor;
}

std::vector<float> Weights::get(const std::string& name, const std::vector<int64_t>& shape) const {
  return to_f32(check(name, shape));
}

}  // namespace molrt
