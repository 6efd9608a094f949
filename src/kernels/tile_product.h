#pragma once
// The products that PackedMatrix is made of: a tile of rows by a block of columns. Only matmul.cpp
// includes this.
#include <compare>
#include <optional>

#include "kernels/matmul.h"
#include "kernels/onednn.h"

namespace molrt {

constexpr size_t low_tile = 16;

struct TileShape {
  Precision precision;
  Product product;
  int inputs, columns;  // of the block
  int outputs;          // of the whole matrix
  auto operator<=>(const TileShape&) const = default;

  onednn::Type type() const;
  size_t depth() const;  // the operands' inner dimension: with Precision::split 3 inputs
};

class TileProduct {
 public:
  explicit TileProduct(const TileShape& shape);

  onednn::memory::desc weight_desc() const { return tall_.description().weights_desc(); }
  // `first`: the block's first output. weight: the whole one.
  void pack(const float* weight, size_t first, onednn::memory& packed) const;
  bool has_low() const { return low_.has_value(); }
  const dnnl::matmul::primitive_desc& description() const { return tall_.description(); }
  size_t scratch_floats() const;
  // rows: row_tile or, where there are low tiles, low_tile. y: the block's first output.
  void run(size_t rows, const void* x, const onednn::memory& weight, const onednn::memory& bias,
           float* y, float* scratch) const;

 private:
  bool low_gives_the_same() const;

  TileShape shape_;
  onednn::Matmul tall_;
  std::optional<onednn::Matmul> low_;
  onednn::memory::desc plain_;  // the weight's block, before it is packed
  dnnl::reorder packing_;
};

// Made once in a process.
const TileProduct& tile_product(const TileShape& shape);

}  // namespace molrt
