#include "nn/parameters.h"

#include <algorithm>

#include "base/error.h"
#include "nn/weights.h"

namespace molrt {

Parameters::Parameters(const TensorMap& tensors, const std::string& file, Gradients gradients)
    : file_(file) {
  size_t total = 0;
  for (const auto& [name, tensor] : tensors) total += tensor.count();
  values_.reserve(total);
  if (gradients == Gradients::kept) gradients_.assign(total, 0.0f);
  const Weights weights(tensors, file);
  for (const auto& [name, tensor] : tensors) {
    const std::vector<float> value = weights.get(name, tensor.shape);
    const size_t offset = values_.size();
    values_.insert(values_.end(), value.begin(), value.end());
    index_[name] = entries_.size();
    Parameter data{{values_.data() + offset, value.size()}, {}};
    if (gradients == Gradients::kept) data.gradient = {gradients_.data() + offset, value.size()};
    entries_.push_back({name, tensor.shape, data});
  }
}

Parameter Parameters::get(const std::string& name, const std::vector<int64_t>& shape) const {
  const auto found = index_.find(name);
  if (found == index_.end()) fail(MOLRT_ERROR_FORMAT, "{}: tensor '{}' is missing", file_, name);
  const Entry& entry = entries_[found->second];
  if (entry.shape != shape)
    fail(MOLRT_ERROR_FORMAT, "{}: tensor '{}' has shape {}, expected {}", file_, name,
         shape_text(entry.shape), shape_text(shape));
  return entry.data;
}

TensorMap Parameters::tensors() const {
  TensorMap tensors;
  for (const Entry& e : entries_)
    tensors[e.name] = tensor_at(Dtype::f32, e.shape, e.data.value.data(), nullptr);
  return tensors;
}

void Parameters::clear_gradients() { std::fill(gradients_.begin(), gradients_.end(), 0.0f); }

}  // namespace molrt
