#include "base/tensor.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>

#include "support/expect_error.h"

namespace molrt {
namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();

// By the definition: sign, exponent and mantissa of IEEE binary16.
double f16_value(uint16_t bits) {
  const int exponent = bits >> 10 & 31, mantissa = bits & 1023;
  const double sign = bits >> 15 ? -1 : 1;
  if (exponent == 31) return mantissa ? std::nan("") : sign * infinity;
  if (exponent == 0) return sign * std::ldexp(mantissa, -24);
  return sign * std::ldexp(1024 + mantissa, exponent - 25);
}

TEST(Tensor, F16RoundTripsEveryPattern) {
  for (uint32_t i = 0; i <= 0xffff; ++i) {
    const auto bits = static_cast<uint16_t>(i);
    const float value = f16_to_f32(bits);
    if (std::isnan(f16_value(bits))) {
      EXPECT_TRUE(std::isnan(value) && std::isnan(f16_to_f32(f32_to_f16(value)))) << i;
    } else {
      EXPECT_EQ(value, f16_value(bits)) << i;
      EXPECT_EQ(f32_to_f16(value), bits) << i;
    }
  }
}

// Between two neighbours, below, at and above the middle; at the middle the even one.
TEST(Tensor, F16RoundsToNearestEven) {
  for (uint16_t bits = 0; bits < 0x7bff; ++bits) {
    const uint16_t next = bits + 1, even = bits % 2 == 0 ? bits : next;
    const float middle = static_cast<float>((f16_value(bits) + f16_value(next)) / 2);
    EXPECT_EQ(f32_to_f16(middle), even) << bits;
    EXPECT_EQ(f32_to_f16(-middle), even | 0x8000) << bits;
    EXPECT_EQ(f32_to_f16(std::nextafter(middle, 0.f)), bits);
    EXPECT_EQ(f32_to_f16(std::nextafter(middle, infinity)), next);
  }
}

TEST(Tensor, F16Overflows) {
  EXPECT_EQ(f32_to_f16(65504.f), 0x7bff);
  EXPECT_EQ(f32_to_f16(std::nextafter(65520.f, 0.f)), 0x7bff);
  EXPECT_EQ(f32_to_f16(65520.f), 0x7c00);
  EXPECT_EQ(f32_to_f16(-1e30f), 0xfc00);
  EXPECT_EQ(f32_to_f16(1e-30f), 0);
  EXPECT_EQ(f32_to_f16(-1e-30f), 0x8000);
}

TEST(Tensor, Bf16RoundTripsEveryPattern) {
  for (uint32_t i = 0; i <= 0xffff; ++i) {
    const auto bits = static_cast<uint16_t>(i);
    const float value = bf16_to_f32(bits);
    if (std::isnan(value)) {
      EXPECT_TRUE(std::isnan(bf16_to_f32(f32_to_bf16(value)))) << i;
    } else {
      EXPECT_EQ(std::bit_cast<uint32_t>(value), i << 16);
      EXPECT_EQ(f32_to_bf16(value), bits) << i;
    }
  }
}

TEST(Tensor, Bf16RoundsToNearestEven) {
  for (uint32_t i = 0; i < 0x7f80; ++i) {
    const uint32_t middle = i << 16 | 0x8000, even = i + i % 2;
    EXPECT_EQ(f32_to_bf16(std::bit_cast<float>(middle - 1)), i);
    EXPECT_EQ(f32_to_bf16(std::bit_cast<float>(middle)), even);
    EXPECT_EQ(f32_to_bf16(std::bit_cast<float>(middle + 1)), i + 1);
  }
}

template <typename T>
Tensor tensor_of(Dtype dtype, const std::vector<T>& values) {
  auto kept = std::make_shared<std::vector<T>>(values);
  return tensor_at(dtype, {static_cast<int64_t>(values.size())}, kept->data(), kept);
}

template <typename T>
std::vector<T> values_of(const Tensor& tensor) {
  std::vector<T> values(tensor.count());
  std::memcpy(values.data(), tensor.hold().get(), tensor.bytes());
  return values;
}

TEST(Tensor, WidensToF32) {
  EXPECT_EQ(to_f32(tensor_of<uint16_t>(Dtype::f16, {0x3c00, 0xc000})), (std::vector{1.f, -2.f}));
  EXPECT_EQ(to_f32(tensor_of<uint16_t>(Dtype::bf16, {0x3f80, 0xc000})), (std::vector{1.f, -2.f}));
  EXPECT_EQ(to_f32(tensor_of<double>(Dtype::f64, {0.1, 1e300})), (std::vector{0.1f, infinity}));
  EXPECT_EQ(to_f32(tensor_of<int64_t>(Dtype::i64, {-3, 16777217})),
            (std::vector{-3.f, 16777216.f}));
}

TEST(Tensor, ReadsUnalignedBytes) {
  std::vector<char> bytes(1 + sizeof(float));
  const float value = 1.25f;
  std::memcpy(bytes.data() + 1, &value, sizeof value);
  const Tensor tensor = tensor_at(Dtype::f32, {}, bytes.data() + 1, nullptr);
  EXPECT_EQ(to_f32(tensor), std::vector{1.25f});
}

TEST(Tensor, Converts) {
  const Tensor tensor = make_tensor({3}, {1.f, -2.f, 1e6f});
  EXPECT_EQ(values_of<uint16_t>(convert(tensor, Dtype::f16)),
            (std::vector<uint16_t>{0x3c00, 0xc000, 0x7c00}));
  const Tensor narrow = convert(tensor, Dtype::bf16);
  EXPECT_EQ(narrow.shape, tensor.shape);
  EXPECT_EQ(narrow.dtype, Dtype::bf16);
  EXPECT_EQ(convert(tensor, Dtype::f32).stored, tensor.stored);
  const Tensor integers = tensor_of<int64_t>(Dtype::i64, {1, 2});
  EXPECT_EQ(convert(integers, Dtype::f16).dtype, Dtype::i64);
  EXPECT_ERROR(convert(tensor, Dtype::f64), MOLRT_ERROR_INVALID_ARGUMENT, "F64");
}

// A double just off the middle of two 16-bit numbers, so near that float would round it to the
// middle.
TEST(Tensor, RoundsDoublesOnce) {
  for (uint16_t bits = 0; bits < 0x7bff; ++bits) {
    const double middle = (f16_value(bits) + f16_value(bits + 1)) / 2;
    const Tensor around = tensor_of<double>(
        Dtype::f64, {std::nextafter(middle, 0.), middle, std::nextafter(middle, 1e300)});
    const uint16_t even = bits + bits % 2, next = bits + 1;
    ASSERT_EQ(values_of<uint16_t>(convert(around, Dtype::f16)),
              (std::vector<uint16_t>{bits, even, next}));
  }
  const Tensor special = tensor_of<double>(Dtype::f64, {1e300, -1e300, 1e-300, std::nan("")});
  const auto narrow = values_of<uint16_t>(convert(special, Dtype::bf16));
  EXPECT_EQ(narrow[0], 0x7f80);
  EXPECT_EQ(narrow[1], 0xff80);
  EXPECT_EQ(narrow[2], 0);
  EXPECT_TRUE(std::isnan(bf16_to_f32(narrow[3])));
}

TEST(Tensor, Counts) {
  EXPECT_EQ(make_tensor({}, {1.f}).count(), 1u);
  EXPECT_EQ(make_tensor({0, 5}, {}).bytes(), 0u);
  EXPECT_EQ(make_tensor({2, 3}, std::vector<float>(6)).bytes(), 24u);
  EXPECT_ERROR(make_tensor({2, 3}, {1.f}), MOLRT_ERROR_INTERNAL, "[2, 3]");
  EXPECT_EQ(shape_text(std::vector<int64_t>{}), "[]");
  EXPECT_EQ(dtype_name(Dtype::bf16), "BF16");
}

}  // namespace
}  // namespace molrt
