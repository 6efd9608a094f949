#pragma once
// What training changes: all tensors of a network in one array, their gradients in another of the
// same layout, under the names of the weight files.
#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/tensor.h"

namespace molrt {

enum class Gradients { none, kept };

struct Parameter {
  std::span<float> value, gradient;  // gradient: empty with Gradients::none
};

class Parameters {
 public:
  // Copies the tensors as f32, in the order of their names; gradients are 0. FORMAT errors name
  // `file` and the tensor that holds a number that is not finite.
  Parameters(const TensorMap& tensors, const std::string& file,
             Gradients gradients = Gradients::kept);
  Parameters(const Parameters&) = delete;  // layers hold spans of it
  Parameters& operator=(const Parameters&) = delete;

  struct Entry {
    std::string name;
    std::vector<int64_t> shape;
    Parameter data;
  };
  const std::vector<Entry>& entries() const { return entries_; }
  bool has(const std::string& name) const { return index_.contains(name); }
  Parameter get(const std::string& name, const std::vector<int64_t>& shape) const;

  // The current values, not copied: valid while this object lives.
  TensorMap tensors() const;

  std::span<float> values() { return values_; }
  std::span<const float> values() const { return values_; }
  std::span<float> gradients() { return gradients_; }
  void clear_gradients();

 private:
  std::string file_;
  std::vector<float> values_, gradients_;
  std::vector<Entry> entries_;
  std::map<std::string, size_t> index_;
};

}  // namespace molrt
