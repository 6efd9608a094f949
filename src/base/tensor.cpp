#include "base/tensor.h"

#include <fmt/ranges.h>

#include <Eigen/Core>
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "base/error.h"

namespace molrt {
namespace {

static_assert(std::endian::native == std::endian::little, "weight files are little-endian");

template <typename T>
T load(const std::byte* data, size_t index) {
  T value;
  std::memcpy(&value, data + index * sizeof(T), sizeof(T));
  return value;
}

// A narrower float, rounded to odd: a second rounding, to 16 bits, then gives what rounding the
// double at once would have given.
float round_to_odd(double value) {
  const float nearest = static_cast<float>(value);
  const uint32_t bits = std::bit_cast<uint32_t>(nearest);
  const bool exact = static_cast<double>(nearest) == value;
  if (exact || !std::isfinite(nearest) || (bits & 1u) != 0) return nearest;
  const bool towards_zero = std::abs(static_cast<double>(nearest)) < std::abs(value);
  return std::bit_cast<float>(towards_zero ? bits + 1 : bits - 1);
}

float element_as_f32(Dtype dtype, const std::byte* data, size_t index, bool rounded_again) {
  switch (dtype) {
    case Dtype::f32:
      return load<float>(data, index);
    case Dtype::f16:
      return f16_to_f32(load<uint16_t>(data, index));
    case Dtype::bf16:
      return bf16_to_f32(load<uint16_t>(data, index));
    case Dtype::f64: {
      const double value = load<double>(data, index);
      return rounded_again ? round_to_odd(value) : static_cast<float>(value);
    }
    case Dtype::i64:
      return static_cast<float>(load<int64_t>(data, index));
  }
  fail(MOLRT_ERROR_INTERNAL, "unknown dtype {}", static_cast<int>(dtype));
}

template <typename T>
Tensor own(std::vector<int64_t> shape, Dtype dtype, std::vector<T> values) {
  auto kept = std::make_shared<const std::vector<T>>(std::move(values));
  return tensor_at(dtype, std::move(shape), kept->data(), kept);
}

}  // namespace

size_t dtype_size(Dtype dtype) {
  switch (dtype) {
    case Dtype::f16:
    case Dtype::bf16:
      return 2;
    case Dtype::f32:
      return 4;
    case Dtype::f64:
    case Dtype::i64:
      return 8;
  }
  fail(MOLRT_ERROR_INTERNAL, "unknown dtype {}", static_cast<int>(dtype));
}

std::string_view dtype_name(Dtype dtype) {
  switch (dtype) {
    case Dtype::f32:
      return "F32";
    case Dtype::f16:
      return "F16";
    case Dtype::bf16:
      return "BF16";
    case Dtype::f64:
      return "F64";
    case Dtype::i64:
      return "I64";
  }
  fail(MOLRT_ERROR_INTERNAL, "unknown dtype {}", static_cast<int>(dtype));
}

size_t Tensor::count() const {
  size_t count = 1;
  for (const int64_t size : shape) count *= static_cast<size_t>(size);
  return count;
}

std::string shape_text(std::span<const int64_t> shape) {
  return fmt::format("[{}]", fmt::join(shape.begin(), shape.end(), ", "));
}

Tensor tensor_at(Dtype dtype, std::vector<int64_t> shape, const void* data,
                 const std::shared_ptr<const void>& owner) {
  StoredBytes::Bytes bytes(owner, static_cast<const std::byte*>(data));
  return {dtype, std::move(shape), std::make_shared<StoredBytes>(std::move(bytes))};
}

Tensor make_tensor(std::vector<int64_t> shape, std::vector<float> values) {
  const size_t found = values.size();
  Tensor tensor = own(std::move(shape), Dtype::f32, std::move(values));
  if (tensor.count() != found) {
    fail(MOLRT_ERROR_INTERNAL, "a tensor of shape {} was given {} values", shape_text(tensor.shape),
         found);
  }
  return tensor;
}

std::vector<float> to_f32(const Tensor& tensor) {
  std::vector<float> values(tensor.count());
  const StoredBytes::Bytes held = tensor.hold();
  if (tensor.dtype == Dtype::f32 && !values.empty()) {
    std::memcpy(values.data(), held.get(), tensor.bytes());
    return values;
  }
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = element_as_f32(tensor.dtype, held.get(), i, false);
  return values;
}

FloatView::FloatView(const Tensor& tensor) : held_(tensor.hold()) {
  if (tensor.dtype == Dtype::f32 && reinterpret_cast<uintptr_t>(held_.get()) % sizeof(float) == 0)
    values_ = {reinterpret_cast<const float*>(held_.get()), tensor.count()};
  else
    values_ = copy_ = to_f32(tensor);
}

std::optional<size_t> first_not_finite(const Tensor& tensor) {
  const FloatView view(tensor);
  const std::span<const float> values = view.values();
  constexpr size_t block = 4096;
  constexpr uint32_t exponent = 0x7F800000;  // all of its bits are set
  for (size_t first = 0; first < values.size(); first += block) {
    const auto own = values.subspan(first, std::min(block, values.size() - first));
    uint32_t found = 0;  // a loop that compilers turn into vectors
    for (const float value : own)
      found |= (std::bit_cast<uint32_t>(value) & exponent) == exponent ? 1 : 0;
    if (found == 0) continue;
    for (size_t i = 0; i < own.size(); ++i)
      if (!std::isfinite(own[i])) return first + i;
  }
  return std::nullopt;
}

Tensor convert(const Tensor& tensor, Dtype dtype) {
  if (dtype == tensor.dtype || tensor.dtype == Dtype::i64) return tensor;
  if (dtype == Dtype::f32) return make_tensor(tensor.shape, to_f32(tensor));
  if (dtype != Dtype::f16 && dtype != Dtype::bf16) {
    fail(MOLRT_ERROR_INVALID_ARGUMENT, "cannot convert to {}: expected F32, F16 or BF16",
         dtype_name(dtype));
  }
  const StoredBytes::Bytes held = tensor.hold();
  std::vector<uint16_t> values(tensor.count());
  for (size_t i = 0; i < values.size(); ++i) {
    const float value = element_as_f32(tensor.dtype, held.get(), i, true);
    values[i] = dtype == Dtype::f16 ? f32_to_f16(value) : f32_to_bf16(value);
  }
  return own(tensor.shape, dtype, std::move(values));
}

// Eigen's conversions: C++20 has no 16-bit floats, and compilers differ in theirs.
uint16_t f32_to_bf16(float value) { return std::bit_cast<uint16_t>(Eigen::bfloat16(value)); }
float bf16_to_f32(uint16_t bits) {
  return static_cast<float>(std::bit_cast<Eigen::bfloat16>(bits));
}
uint16_t f32_to_f16(float value) { return std::bit_cast<uint16_t>(Eigen::half(value)); }
float f16_to_f32(uint16_t bits) { return static_cast<float>(std::bit_cast<Eigen::half>(bits)); }

}  // namespace molrt
