#pragma once
// A named array of a weight file.
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/stored_bytes.h"

namespace molrt {

enum class Dtype { f32, f16, bf16, f64, i64 };

size_t dtype_size(Dtype dtype);
std::string_view dtype_name(
    Dtype dtype);  // "F32", "F16", "BF16", "F64", "I64" (safetensors' names)

// Row-major and contiguous; the bytes need not be aligned. Copies share them.
struct Tensor {
  Dtype dtype = Dtype::f32;
  std::vector<int64_t> shape;  // empty: a scalar
  std::shared_ptr<StoredBytes> stored;

  // The bytes; null where there are none. They are there as long as the result.
  StoredBytes::Bytes hold() const { return stored ? stored->hold() : nullptr; }
  // Of all copies of the tensor: StoredBytes::drop.
  void drop() const {
    if (stored) stored->drop();
  }

  size_t count() const;  // elements; the readers checked that it does not overflow
  size_t bytes() const { return count() * dtype_size(dtype); }
};

// A tensor of `data`, which `owner` keeps alive; the caller does where it is null.
Tensor tensor_at(Dtype dtype, std::vector<int64_t> shape, const void* data,
                 const std::shared_ptr<const void>& owner);

using TensorMap = std::map<std::string, Tensor>;

std::string shape_text(std::span<const int64_t> shape);  // "[3, 64]"

Tensor make_tensor(std::vector<int64_t> shape, std::vector<float> values);
// Every element as f32; f64 and i64 are rounded.
std::vector<float> to_f32(const Tensor& tensor);
// The same without a copy where the tensor's own bytes will do.
class FloatView {
 public:
  explicit FloatView(const Tensor& tensor);
  FloatView(const FloatView&) = delete;
  FloatView& operator=(const FloatView&) = delete;
  std::span<const float> values() const { return values_; }

 private:
  StoredBytes::Bytes held_;
  std::vector<float> copy_;
  std::span<const float> values_;
};
// The first element that is no finite f32.
std::optional<size_t> first_not_finite(const Tensor& tensor);
// The same values in `dtype` (f32, f16 or bf16; rounded to nearest even). I64 stays as it is.
Tensor convert(const Tensor& tensor, Dtype dtype);

uint16_t f32_to_bf16(float value);
float bf16_to_f32(uint16_t bits);
uint16_t f32_to_f16(float value);
float f16_to_f32(uint16_t bits);

}  // namespace molrt
