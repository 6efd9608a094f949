// WeightGradient: the gradient of a weight matrix.
#include <algorithm>
#include <array>
#include <optional>

#include "kernels/matmul.h"
#include "kernels/onednn.h"

namespace molrt {
namespace {

using onednn::matrix;
using onednn::memory;

constexpr int gradient_block = 64;               // rows of d_weight
constexpr size_t gradient_depth = 4 * row_tile;  // rows of the batch at a time

// d_W [block, inputs] += d_y[:, block]^T x over `depth` rows of the batch.
struct GradientProduct {
  onednn::Matmul product;
  memory::desc x;

  GradientProduct(int block, int inputs, int outputs, size_t depth, onednn::Type type)
      : product(onednn::describe(
            {{block, static_cast<memory::dim>(depth)}, type, memory::dims{1, outputs}},
            matrix(depth, inputs, inputs, type), memory::desc(), matrix(block, inputs, inputs),
            true)),
        x(product.description().weights_desc()) {}

  void run(const void* d_y, const void* values, float* d_weight, Buffer& scratch) const {
    const onednn::HeldSignals held(product.description());
    onednn::allocating([&] {
      const memory source(x, onednn::engine(), const_cast<void*>(values));
      onednn::Matmul::Call(product).run(d_y, source, nullptr, d_weight,
                                        scratch.resize(product.scratch_floats()));
    });
  }
};

// The same for whole and for last blocks.
struct GradientProducts {
  GradientProduct deep, shallow;
  GradientProducts(int block, int inputs, int outputs, onednn::Type type)
      : deep(block, inputs, outputs, gradient_depth, type),
        shallow(block, inputs, outputs, row_tile, type) {}
};

// By type: f32, and bf16 where the CPU has it.
using ByType = std::array<std::optional<GradientProducts>, 2>;

ByType make_products(int block, int inputs, int outputs) {
  ByType products;
  products[0].emplace(block, inputs, outputs, onednn::Type::f32);
  if (has_bf16()) products[1].emplace(block, inputs, outputs, onednn::Type::bf16);
  return products;
}

}  // namespace

struct WeightGradient::Plan {
  int inputs, outputs;
  ByType whole, last;
};

WeightGradient::WeightGradient(int inputs, int outputs)
    : plan_(std::make_unique<Plan>(Plan{inputs, outputs, {}, {}})) {
  onednn::create([&] {
    if (outputs >= gradient_block) plan_->whole = make_products(gradient_block, inputs, outputs);
    if (const int rest = outputs % gradient_block)
      plan_->last = make_products(rest, inputs, outputs);
  });
}
WeightGradient::~WeightGradient() = default;
WeightGradient::WeightGradient(WeightGradient&&) noexcept = default;

int WeightGradient::blocks() const {
  return (plan_->outputs + gradient_block - 1) / gradient_block;
}

std::pair<size_t, size_t> WeightGradient::rows_of(int block) const {
  const size_t first = static_cast<size_t>(block) * gradient_block;
  return {first, std::min<size_t>(first + gradient_block, plan_->outputs)};
}

void WeightGradient::accumulate(int block, const GradientRows& of, float* d_weight, float* d_bias,
                                Buffer& scratch) const {
  const size_t inputs = plan_->inputs, outputs = plan_->outputs, rows = of.rows;
  const auto [first, last] = rows_of(block);
  const bool halves = of.x_halves != nullptr;
  const ByType& types = last - first == gradient_block ? plan_->whole : plan_->last;
  const GradientProducts& products = *types[halves ? 1 : 0];
  for (size_t row = 0, depth; row < rows; row += depth) {
    depth = padded_rows(rows) - row >= gradient_depth ? gradient_depth : row_tile;
    const GradientProduct& product = depth == row_tile ? products.shallow : products.deep;
    const size_t d_y = row * outputs + first, x = row * inputs;
    float* to = d_weight + first * inputs;
    if (halves)
      product.run(of.d_y_halves + d_y, of.x_halves + x, to, scratch);
    else
      product.run(of.d_y + d_y, of.x + x, to, scratch);
  }
  for (size_t row = 0; row < rows; ++row)
    for (size_t o = first; o < last; ++o) d_bias[o] += of.d_y[row * outputs + o];
}

}  // namespace molrt
