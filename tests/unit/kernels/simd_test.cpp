// The own kernels at every width and on every target that this machine can run, against their
// definitions in double. Every operand ends where its page ends, so that a touch beyond it faults.
#include <gtest/gtest.h>
#include <hwy/targets.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmath>
#include <cstring>
#include <vector>

#include "base/buffer.h"
#include "base/philox.h"
#include "kernels/adam.h"
#include "kernels/attention.h"
#include "kernels/dense.h"
#include "kernels/layer_norm.h"
#include "kernels/pair_features.h"
#include "kernels/tanh.h"

namespace molrt {
namespace {

class PageEndArray {
 public:
  explicit PageEndArray(size_t count, uint32_t stream = 0) : count_(count) {
    const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    const size_t bytes = (count * sizeof(float) + page - 1) / page * page;
    mapped_ = bytes + page;
    memory_ = static_cast<char*>(
        mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    mprotect(memory_ + bytes, page, PROT_NONE);
    data_ = reinterpret_cast<float*>(memory_ + bytes) - count;
    if (stream != 0)
      for (size_t i = 0; i < count; ++i)
        data_[i] = static_cast<float>(random_normal({1, 2}, stream, 0, 0, i));
  }
  ~PageEndArray() { munmap(memory_, mapped_); }
  PageEndArray(const PageEndArray&) = delete;
  PageEndArray& operator=(const PageEndArray&) = delete;

  float* data() { return data_; }
  float& operator[](size_t i) { return data_[i]; }
  double at(size_t i) const { return data_[i]; }
  size_t size() const { return count_; }
  std::span<const float> span() const { return {data_, count_}; }
  std::vector<double> values() const { return {data_, data_ + count_}; }

 private:
  size_t count_, mapped_;
  char* memory_;
  float* data_;
};

class Simd : public testing::TestWithParam<int64_t> {
 protected:
  void SetUp() override { hwy::SetSupportedTargetsForTest(GetParam()); }
  void TearDown() override { hwy::SetSupportedTargetsForTest(0); }
};

constexpr size_t widest = 33;

void expect_near(const PageEndArray& found, const std::vector<double>& expected) {
  ASSERT_EQ(found.size(), expected.size());
  for (size_t i = 0; i < expected.size(); ++i)
    ASSERT_NEAR(found.at(i), expected[i], 2e-5 * (1 + std::abs(expected[i]))) << "element " << i;
}

std::vector<double> naive_layer_norm(const PageEndArray& x, const PageEndArray& weight,
                                     const PageEndArray& bias) {
  const size_t width = weight.size();
  std::vector<double> y = x.values();
  for (size_t row = 0; row < y.size(); row += width) {
    double mean = 0, variance = 0;
    for (size_t i = 0; i < width; ++i) mean += y[row + i] / double(width);
    for (size_t i = 0; i < width; ++i) variance += std::pow(y[row + i] - mean, 2) / double(width);
    for (size_t i = 0; i < width; ++i)
      y[row + i] = (y[row + i] - mean) / std::sqrt(variance + 1e-5) * weight.at(i) + bias.at(i);
  }
  return y;
}

TEST_P(Simd, LayerNorm) {
  for (size_t width = 1; width <= widest; ++width) {
    SCOPED_TRACE(width);
    PageEndArray x(3 * width, 1), weight(width, 2), bias(width, 3), y(3 * width);
    const auto expected = naive_layer_norm(x, weight, bias);
    layer_norm(x.data(), 3, weight.span(), bias.span(), y.data());
    expect_near(y, expected);
    layer_norm(x.data(), 3, weight.span(), bias.span(), x.data());
    expect_near(x, expected);
  }
}

TEST_P(Simd, Tanh) {
  for (size_t count = 1; count <= widest; ++count) {
    PageEndArray x(count, 1);
    for (size_t i = 0; i < count; ++i) x[i] *= std::pow(10.f, static_cast<float>(i % 9) - 6);
    std::vector<double> expected;
    for (const double value : x.values()) expected.push_back(std::tanh(value));
    apply_tanh(x.data(), count);
    for (size_t i = 0; i < count; ++i)
      ASSERT_NEAR(x.at(i), expected[i], 4 * 1.2e-7 * std::abs(expected[i])) << i << " of " << count;
  }
  std::vector<float> special{INFINITY, -INFINITY, 0, -100, std::nanf("")};
  apply_tanh(special.data(), special.size());
  EXPECT_TRUE(std::isnan(special.back()));
  special.pop_back();
  EXPECT_EQ(special, (std::vector<float>{1, -1, 0, -1}));
}

TEST_P(Simd, Adam) {
  const AdamFactors f{.875f, .125f, .75f, .25f, .5f, 2, .0625f};
  for (size_t count = 1; count <= widest; ++count) {
    SCOPED_TRACE(count);
    PageEndArray gradient(count, 1), mean(count, 2), square(count, 3), weight(count, 4);
    for (size_t i = 0; i < count; ++i) square[i] *= square[i];
    auto means = mean.values(), squares = square.values(), weights = weight.values();
    for (size_t i = 0; i < count; ++i) {
      means[i] = .875 * means[i] + .125 * gradient.at(i);
      squares[i] = .75 * squares[i] + .25 * gradient.at(i) * gradient.at(i);
      weights[i] -= .5 * means[i] / (2 * std::sqrt(squares[i]) + .0625);
    }
    adam_update(f, gradient.data(), count, mean.data(), square.data(), weight.data());
    expect_near(mean, means);
    expect_near(square, squares);
    expect_near(weight, weights);
  }
}

struct Edges {
  static constexpr size_t pairs = 5;
  PageEndArray mul{4, 1}, bias{4, 2}, distances{pairs, 3};
  const int32_t types[pairs] = {3, 0, 1, 2, 3};
  EdgeTables tables() const { return {mul.span(), bias.span()}; }
  double u(size_t pair) const {
    const auto type = static_cast<size_t>(types[pair]);
    return mul.at(type) * distances.at(pair) + bias.at(type);
  }
};

TEST_P(Simd, GaussianFeatures) {
  Edges edges;
  for (size_t count = 1; count <= widest; ++count) {
    SCOPED_TRACE(count);
    PageEndArray means(count, 4), widths(count, 5), out(edges.pairs * count);
    for (size_t k = 0; k < count; ++k) widths[k] = std::abs(widths[k]) + .3f;
    gaussian_features(edges.tables(), means.span(), widths.span(), edges.distances.data(),
                      edges.types, edges.pairs, out.data());
    std::vector<double> expected;
    for (size_t p = 0; p < edges.pairs; ++p)
      for (size_t k = 0; k < count; ++k)
        expected.push_back(std::exp(-.5 * std::pow((edges.u(p) - means.at(k)) / widths.at(k), 2)) /
                           (std::sqrt(2 * 3.14159) * widths.at(k)));
    expect_near(out, expected);
  }
}

TEST_P(Simd, EdgeFeatures) {
  Edges edges;
  for (size_t width = 1; width <= widest; ++width) {
    SCOPED_TRACE(width);
    PageEndArray weight(4 * width, 4), out(edges.pairs * width, 5);
    std::vector<double> expected = out.values();
    for (size_t i = 0; i < expected.size(); ++i)
      expected[i] += weight.at(static_cast<size_t>(edges.types[i / width]) * width + i % width) /
                     (1 + std::exp(-edges.u(i / width)));
    add_edge_features(edges.tables(), weight.span(), edges.distances.data(), edges.types,
                      edges.pairs, width, out.data());
    expect_near(out, expected);
  }
}

struct Logits {
  std::vector<double> pair, context;
};

// One query of one head; `pair` is its row.
void naive_query(const AttentionShape& s, const PageEndArray& qkv, size_t query, size_t column,
                 double* pair, double* context) {
  const size_t stride = 3 * static_cast<size_t>(s.width);
  const auto size = static_cast<size_t>(s.head_size()), tokens = static_cast<size_t>(s.tokens);
  double sum = 0;
  for (size_t j = 0; j < tokens; ++j) {
    for (size_t c = 0; c < size; ++c)
      pair[j] += qkv.at(query * stride + column + c) / std::sqrt(double(size)) *
                 qkv.at(j * stride + stride / 3 + column + c);
    sum += std::exp(pair[j]);
  }
  for (size_t j = 0; j < tokens; ++j)
    for (size_t c = 0; c < size; ++c)
      context[c] += std::exp(pair[j]) / sum * qkv.at(j * stride + stride / 3 * 2 + column + c);
}

Logits naive_attention(const AttentionShape& s, const PageEndArray& qkv, const PageEndArray& pair) {
  const auto width = static_cast<size_t>(s.width), tokens = static_cast<size_t>(s.tokens);
  Logits result{pair.values(), std::vector<double>(tokens * width)};
  for (size_t head = 0; head < static_cast<size_t>(s.heads); ++head)
    for (size_t i = 0; i < tokens; ++i) {
      const size_t column = head * static_cast<size_t>(s.head_size());
      naive_query(s, qkv, i, column, &result.pair[(head * tokens + i) * s.pair_stride()],
                  &result.context[i * width + column]);
    }
  return result;
}

void pad_pair(const AttentionShape& s, PageEndArray& pair) {
  for (size_t i = 0; i < pair.size(); ++i)
    if (i % s.pair_stride() >= static_cast<size_t>(s.tokens)) pair[i] = -INFINITY;
}

void check_attention(const AttentionShape& shape) {
  const auto cells = static_cast<size_t>(shape.tokens * shape.width);
  PageEndArray qkv(3 * cells, 1), pair(shape.pair_size(), 2), context(cells);
  pad_pair(shape, pair);
  Logits expected = naive_attention(shape, qkv, pair);
  Buffer scratch;
  attention(shape, qkv.data(), pair.data(), pair.data(), {}, context.data(), scratch);
  expect_near(context, expected.context);
  for (size_t i = 0; i < pair.size(); ++i)
    if (std::isinf(expected.pair[i])) {
      ASSERT_EQ(pair.at(i), -INFINITY);
      pair[i] = 0;
      expected.pair[i] = 0;
    }
  expect_near(pair, expected.pair);
}

TEST_P(Simd, Attention) {
  for (int head_size = 1; head_size <= int(widest); ++head_size)
    for (const int tokens : {1, 5, 17, 33}) {
      SCOPED_TRACE(testing::Message() << tokens << " tokens, head size " << head_size);
      check_attention({tokens, 3 * head_size, 3});
    }
}

// y [rows, columns] = a [rows, count] b [count, columns], with strides.
struct Matrix {
  const PageEndArray& data;
  size_t row, column;
  double at(size_t r, size_t c) const { return data.at(r * row + c * column); }
};

void add_product(const Matrix& a, const Matrix& b, size_t rows, size_t count, size_t columns,
                 std::vector<double>& y) {
  for (size_t r = 0; r < rows; ++r)
    for (size_t k = 0; k < count; ++k)
      for (size_t c = 0; c < columns; ++c) y[r * columns + c] += a.at(r, k) * b.at(k, c);
}

void check_dense_forward(size_t rows, size_t in, size_t out) {
  PageEndArray x(rows * in, 1), weight(out * in, 2), bias(out, 3), y(rows * out), alone(out);
  dense_forward(x.data(), weight.data(), bias.data(), rows, in, out, y.data());
  std::vector<double> expected;
  for (size_t i = 0; i < y.size(); ++i) expected.push_back(bias.at(i % out));
  add_product({x, in, 1}, {weight, 1, in}, rows, in, out, expected);
  expect_near(y, expected);
  for (size_t r = 0; r < rows; ++r) {
    dense_forward(x.data() + r * in, weight.data(), bias.data(), 1, in, out, alone.data());
    ASSERT_EQ(std::memcmp(alone.data(), y.data() + r * out, out * sizeof(float)), 0) << "row " << r;
  }
}

void check_dense_backward(size_t rows, size_t in, size_t out) {
  PageEndArray x(rows * in, 1), weight(out * in, 2), d_y(rows * out, 3);
  PageEndArray d_weight(out * in, 4), d_bias(out, 5), d_x(rows * in, 6);
  std::vector<double> expected = d_weight.values(), bias = d_bias.values(), input(rows * in);
  add_product({d_y, 1, out}, {x, in, 1}, out, rows, in, expected);
  for (size_t i = 0; i < d_y.size(); ++i) bias[i % out] += d_y.at(i);
  add_product({d_y, out, 1}, {weight, in, 1}, rows, out, in, input);
  dense_backward_parameters(x.data(), d_y.data(), rows, in, out, d_weight.data(), d_bias.data());
  dense_backward_input(weight.data(), d_y.data(), rows, in, out, d_x.data());
  expect_near(d_weight, expected);
  expect_near(d_bias, bias);
  expect_near(d_x, input);
}

TEST_P(Simd, Dense) {
  for (size_t in = 1; in <= widest; ++in)
    for (const size_t out : {size_t{1}, size_t{2}, size_t{11}, in})
      for (const size_t rows : {1, 7, 13}) {
        SCOPED_TRACE(testing::Message() << rows << " rows, " << in << " to " << out);
        check_dense_forward(rows, in, out);
        check_dense_backward(rows, in, out);
      }
}

INSTANTIATE_TEST_SUITE_P(Targets, Simd, testing::ValuesIn(hwy::SupportedAndGeneratedTargets()),
                         [](const auto& info) { return hwy::TargetName(info.param); });

}  // namespace
}  // namespace molrt
