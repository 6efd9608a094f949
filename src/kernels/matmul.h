#pragma once
// Matrix products: the only file pair that sees oneDNN (2.6 and 3.x).
#include <cstddef>
#include <memory>
#include <span>
#include <utility>

#include "base/buffer.h"

namespace molrt {

// Products run in tiles of exactly this many rows, so that a row's bytes cannot depend on how many
// rows there are (oneDNN's AVX2 kernels would) nor on where it stands: 48 is a multiple of every
// register block of oneDNN's f32 kernels (6 under AVX2; 8, 12, 16 under AVX-512). Also the best of
// 16 ... 256 by speed on both (112 and 66 GFLOP/s a core on Zen 4).
constexpr size_t row_tile = 48;
inline size_t padded_rows(size_t rows) { return (rows + row_tile - 1) / row_tile * row_tile; }

// What follows y = x W^T + b in the same pass.
enum class Epilogue {
  none,
  gelu,        // y = gelu(y), the erf form
  accumulate,  // y += what y held before (the residual sum)
};

enum class Product {
  forward,   // y = x W^T + b
  backward,  // d_x = d_y W: the gradient of the input; no bias, and inputs and outputs exchange
             // places
};

// A fixed weight matrix, packed for the machine. Immutable; shared by any number of threads, each
// with a scratch buffer of its own. Call inside parallel_for: the product itself is serial.
class PackedMatrix {
 public:
  // weight [outputs, inputs], bias [outputs] (copied; not read for the way back).
  PackedMatrix(std::span<const float> weight, std::span<const float> bias, int inputs, int outputs,
               Epilogue epilogue, Product product = Product::forward);
  ~PackedMatrix();
  PackedMatrix(PackedMatrix&&) noexcept;
  PackedMatrix& operator=(PackedMatrix&&) noexcept;

  // x [padded_rows(rows), inputs] -> y [padded_rows(rows), outputs]; both have room for whole
  // tiles; what the padding rows hold does not matter.
  void multiply(const float* x, size_t rows, float* y, Buffer& scratch) const;

 private:
  struct Plan;
  std::unique_ptr<Plan> plan_;
};

// d_W += d_y^T x: the gradient of a weight matrix, in blocks of its rows that different threads may
// compute at the same time. The order of summation is that of the rows, whatever the threads.
class WeightGradient {
 public:
  WeightGradient(int inputs, int outputs);
  ~WeightGradient();
  WeightGradient(WeightGradient&&) noexcept;

  int blocks() const;
  std::pair<size_t, size_t> rows_of(int block) const;  // [first, last)
  // d_y [padded_rows(rows), outputs] and x [padded_rows(rows), inputs], both with zeros or d_y with
  // zeros in the padding rows -> d_weight [outputs, inputs] and d_bias [outputs], added to.
  void accumulate(int block, const float* d_y, const float* x, size_t rows, float* d_weight,
                  float* d_bias, Buffer& scratch) const;

 private:
  struct Plan;
  std::unique_ptr<Plan> plan_;
};

const char* onednn_version();  // "2.6.3"
const char* onednn_isa();      // "AVX512_CORE_BF16", ...: what its kernels use here

}  // namespace molrt
