#pragma once
// Scratch memory of f32 values, aligned for SIMD, that only ever grows.
#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <memory>
#include <new>

namespace molrt {

class Buffer {
 public:
  // At least `count` floats, 64-byte aligned; the contents are undefined after growth.
  float* resize(size_t count) {
    if (count > capacity_) grow(count);
    return data_.get();
  }
  float* zeros(size_t count) {
    float* values = resize(count);
    std::fill(values, values + count, 0.0f);
    return values;
  }
  float* data() { return data_.get(); }
  const float* data() const { return data_.get(); }

 private:
  struct Free {
    void operator()(float* p) const { std::free(p); }
  };
  void grow(size_t count) {
    const size_t bytes = (count * sizeof(float) + 63) / 64 * 64;
    data_.reset();
    capacity_ = 0;
    float* memory = static_cast<float*>(std::aligned_alloc(64, bytes));
    if (!memory) throw std::bad_alloc();
    data_.reset(memory);
    capacity_ = bytes / sizeof(float);
  }
  std::unique_ptr<float, Free> data_;
  size_t capacity_ = 0;
};

}  // namespace molrt
