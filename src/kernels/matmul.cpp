#include "kernels/matmul.h"

#include <algorithm>
#include <vector>

#include "kernels/bfloat.h"
#include "kernels/epilogue.h"
#include "kernels/tile_product.h"

namespace molrt {
namespace {

using onednn::memory;

// Outputs of a block: threads share blocks where there is one tile of rows. 2 % slower than whole
// matrices.
constexpr int column_block = 128;

struct Block {
  int first, columns;
  const TileProduct* product;
  memory weight, bias;
};

// Rows as the products read them, in scratch memory behind oneDNN's own.
class Operand {
 public:
  Operand(Precision precision, size_t inputs, float* scratch)
      : precision_(precision), inputs_(inputs), scratch_(reinterpret_cast<uint16_t*>(scratch)) {}

  static size_t scratch_floats(Precision precision, size_t inputs) {
    return precision == Precision::f32 ? 0 : row_tile * inputs * 3 / 2 + 1;
  }

  const void* of(const float* x, size_t rows) {
    if (precision_ == Precision::f32) return x;
    if (precision_ == Precision::bf16) {
      to_bf16(x, rows * inputs_, scratch_);
      return scratch_;
    }
    for (size_t row = 0; row < rows; ++row) split(x + row * inputs_, scratch_ + row * 3 * inputs_);
    return scratch_;
  }

  size_t row_bytes() const {
    return precision_ == Precision::f32    ? inputs_ * sizeof(float)
           : precision_ == Precision::bf16 ? inputs_ * sizeof(uint16_t)
                                           : inputs_ * 3 * sizeof(uint16_t);
  }

 private:
  void split(const float* x, uint16_t* parts) const {
    split_bf16(x, inputs_, parts, parts + 2 * inputs_);
    std::copy_n(parts, inputs_, parts + inputs_);
  }

  Precision precision_;
  size_t inputs_;
  uint16_t* scratch_;
};

size_t in_lines(size_t floats) { return (floats + 15) / 16 * 16; }

}  // namespace

struct PackedMatrix::Blocks {
  int inputs, outputs;  // of the product
  Epilogue epilogue;
  Product product;
  Precision precision;
  std::vector<Block> all;
  bool has_low = true;

  void make();
  void pack(Block& block, std::span<const float> weights, std::span<const float> biases) const;
  size_t scratch_floats() const;
  void tile(std::span<const Block> blocks, const float* x, size_t rows, float* y, Operand& operand,
            float* result, float* scratch) const;
};

void PackedMatrix::Blocks::make() {
  for (int first = 0; first < outputs; first += column_block) {
    const int columns = std::min(column_block, outputs - first);
    const TileProduct& own = tile_product({precision, product, inputs, columns, outputs});
    has_low = has_low && own.has_low();
    all.push_back({first, columns, &own, memory(own.weight_desc(), onednn::engine()),
                   memory(onednn::matrix(1, columns, columns), onednn::engine())});
  }
}

void PackedMatrix::Blocks::pack(Block& block, std::span<const float> weights,
                                std::span<const float> biases) const {
  block.product->pack(weights.data(), static_cast<size_t>(block.first), block.weight);
  float* values = static_cast<float*>(block.bias.get_data_handle());
  std::fill(values, values + block.columns, 0.0f);
  if (product == Product::forward) std::copy_n(biases.data() + block.first, block.columns, values);
}

size_t PackedMatrix::Blocks::scratch_floats() const {
  size_t floats = 0;
  for (const Block& block : all) floats = std::max(floats, block.product->scratch_floats());
  return in_lines(floats);
}

// Up to row_tile rows by block after block, whose weights are then near for all low tiles.
void PackedMatrix::Blocks::tile(std::span<const Block> blocks, const float* x, size_t rows,
                                float* y, Operand& operand, float* result, float* scratch) const {
  const size_t height = has_low && rows <= row_tile - low_tile ? low_tile : row_tile;
  const size_t tiles = (rows + height - 1) / height;
  const char* staged = static_cast<const char*>(operand.of(x, tiles * height));
  for (const Block& block : blocks)
    for (size_t tile = 0; tile < tiles; ++tile) {
      block.product->run(height, staged + tile * height * operand.row_bytes(), block.weight,
                         block.bias, result, scratch);
      finish_tile(epilogue, result, height, block.columns,
                  y + tile * height * outputs + block.first, outputs);
    }
}

PackedMatrix::PackedMatrix(std::span<const float> weight, std::span<const float> bias, int inputs,
                           int outputs, Epilogue epilogue, Product product, Precision precision) {
  if (product == Product::backward) std::swap(inputs, outputs);
  onednn::create([&] {
    blocks_ =
        std::make_unique<Blocks>(Blocks{inputs, outputs, epilogue, product, precision, {}, true});
    blocks_->make();
    for (Block& block : blocks_->all) blocks_->pack(block, weight, bias);
  });
}
PackedMatrix::~PackedMatrix() = default;
PackedMatrix::PackedMatrix(PackedMatrix&&) noexcept = default;
PackedMatrix& PackedMatrix::operator=(PackedMatrix&&) noexcept = default;

size_t PackedMatrix::blocks() const { return blocks_->all.size(); }

size_t PackedMatrix::blocks_before(int output) const {
  return static_cast<size_t>(output / column_block);
}

size_t PackedMatrix::blocks_to(int output) const {
  return static_cast<size_t>((output + column_block - 1) / column_block);
}

void PackedMatrix::multiply(const float* x, size_t rows, float* y, Buffer& scratch) const {
  multiply(0, blocks(), x, rows, y, scratch);
}

void PackedMatrix::multiply(size_t first, size_t last, const float* x, size_t rows, float* y,
                            Buffer& scratch) const {
  const Blocks& b = *blocks_;
  const auto blocks = std::span(b.all).subspan(first, last - first);
  const size_t inputs = b.inputs, own = b.scratch_floats(), tile = row_tile * column_block;
  float* memory = scratch.resize(own + tile + Operand::scratch_floats(b.precision, inputs));
  Operand operand(b.precision, inputs, memory + own + tile);
  const onednn::HeldSignals held(b.all[0].product->description());
  for (size_t row = 0; row < rows; row += row_tile)
    b.tile(blocks, x + row * inputs, std::min(row_tile, rows - row), y + row * b.outputs, operand,
           memory + own, memory);
}

}  // namespace molrt
