#pragma once
// Matrix products by oneDNN.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "base/buffer.h"

namespace molrt {

// Products run in tiles of exactly this many rows, so that a row's bytes cannot depend on how many
// rows there are (oneDNN's AVX2 kernels would) nor on where it stands: 48 is a multiple of every
// register block of oneDNN's f32 kernels (6 under AVX2; 8, 12, 16 under AVX-512). Within 5 % of the
// best of 16 ... 384 by speed. The last rows take low tiles of 16 where those give the same bytes,
// which is tried once.
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

// Of the operands; sums are f32 in any case.
enum class Precision {
  f32 = 1,  // MOLRT_PRECISION_*
  split,    // each number as the sum of two bf16, whose three largest products count
  bf16,     // rounded to bf16
};
const char* precision_name(Precision precision);
Precision parse_precision(std::string_view name);
// Whether this CPU has products of bf16 (with AVX-512).
bool has_bf16();
// Why this CPU cannot have it; empty: it can.
std::string why_not(Precision precision);

// A weight matrix, packed for the machine in blocks of its outputs. Once packed it is shared by any
// number of threads, each with a scratch buffer of its own. Call inside parallel_for: the product
// itself is serial.
class PackedMatrix {
 public:
  // weight [outputs, inputs], bias [outputs] (copied; not read for the way back).
  PackedMatrix(std::span<const float> weight, std::span<const float> bias, int inputs, int outputs,
               Epilogue epilogue, Product product = Product::forward,
               Precision precision = Precision::f32);
  ~PackedMatrix();
  PackedMatrix(PackedMatrix&&) noexcept;
  PackedMatrix& operator=(PackedMatrix&&) noexcept;

  size_t blocks() const;
  // Those that hold nothing from this output on, and those that hold all before it.
  size_t blocks_before(int output) const;
  size_t blocks_to(int output) const;

  // x [padded_rows(rows), inputs] -> y [padded_rows(rows), outputs]; both have room for whole
  // tiles; what the padding rows hold does not matter, and not all of y's are written.
  void multiply(const float* x, size_t rows, float* y, Buffer& scratch) const;
  // The outputs of the blocks [first, last) alone, whose bytes are the same.
  void multiply(size_t first, size_t last, const float* x, size_t rows, float* y,
                Buffer& scratch) const;

 private:
  struct Blocks;
  std::unique_ptr<Blocks> blocks_;
};

// x [padded_rows(rows), inputs] and d_y [padded_rows(rows), outputs], both with zeros or d_y with
// zeros in the padding rows; where the products are of bf16, also so rounded.
struct GradientRows {
  const float *x, *d_y;
  size_t rows;
  const uint16_t *x_halves = nullptr, *d_y_halves = nullptr;
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
  // -> d_weight [outputs, inputs] and d_bias [outputs], added to.
  void accumulate(int block, const GradientRows& rows, float* d_weight, float* d_bias,
                  Buffer& scratch) const;

 private:
  struct Plan;
  std::unique_ptr<Plan> plan_;
};

const char* onednn_version();  // "2.6.3"
const char* onednn_isa();      // "AVX512_CORE_BF16", ...: what its kernels use here

}  // namespace molrt
