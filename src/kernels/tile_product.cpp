#include "kernels/tile_product.h"

#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "base/tensor.h"
#include "kernels/bfloat.h"

namespace molrt {
namespace {

using onednn::matrix;
using onednn::memory;

dnnl::matmul::primitive_desc describe(const TileShape& s, size_t rows, const memory::desc& weight) {
  const size_t columns = s.columns;
  return onednn::describe(matrix(rows, s.depth(), s.depth(), s.type()), weight,
                          matrix(1, columns, columns), matrix(rows, columns, columns), false);
}

std::optional<onednn::Matmul> low_product(const TileShape& s, const onednn::Matmul& tall) try {
  const auto low = describe(s, low_tile, tall.description().weights_desc());
  if (std::strcmp(low.impl_info_str(), tall.description().impl_info_str()) != 0) return {};
  return onednn::Matmul(low);
} catch (const dnnl::error& e) {
  if (e.status == dnnl_out_of_memory) throw;
  return {};  // there is none
}

// Forward, our [outputs, inputs] is oneDNN's [inputs, outputs] with the strides exchanged.
memory::desc plain_weight(const TileShape& s) {
  const memory::dims dims = {static_cast<memory::dim>(s.depth()), s.columns};
  if (s.precision == Precision::split) return matrix(s.depth(), s.columns, s.columns);
  if (s.product == Product::backward) return matrix(s.inputs, s.columns, s.outputs);
  return {dims, memory::data_type::f32, memory::dims{1, s.inputs}};
}

// [high; low; high] of the block, as rows of [high, high, low] meet it.
std::vector<float> split_weight(const TileShape& s, const float* weight, size_t first) {
  const size_t inputs = s.inputs, columns = s.columns, part = inputs * columns;
  std::vector<float> parts(3 * part);
  for (size_t i = 0; i < inputs; ++i)
    for (size_t o = 0; o < columns; ++o) {
      const float w = s.product == Product::forward ? weight[(first + o) * inputs + i]
                                                    : weight[i * s.outputs + first + o];
      uint16_t high, low;
      split_bf16(&w, 1, &high, &low);
      const float upper = bf16_to_f32(high);
      parts[i * columns + o] = parts[2 * part + i * columns + o] = upper;
      parts[part + i * columns + o] = bf16_to_f32(low);
    }
  return parts;
}

// Between -.5 and .5, without any order.
std::vector<float> scattered(size_t count, uint32_t seed) {
  std::vector<float> values(count);
  for (size_t i = 0; i < count; ++i) {
    const uint32_t bits = (static_cast<uint32_t>(i) + seed) * 2654435761u;
    values[i] = static_cast<float>(bits >> 8) * 0x1p-24f - .5f;
  }
  return values;
}

}  // namespace

onednn::Type TileShape::type() const {
  return precision == Precision::f32 ? onednn::Type::f32 : onednn::Type::bf16;
}

size_t TileShape::depth() const {
  return static_cast<size_t>(precision == Precision::split ? 3 * inputs : inputs);
}

TileProduct::TileProduct(const TileShape& shape)
    : shape_(shape),
      tall_(describe(shape, row_tile,
                     onednn::packed_matrix(shape.depth(), shape.columns, shape.type()))),
      low_(low_product(shape, tall_)),
      plain_(plain_weight(shape)),
      packing_({onednn::engine(), plain_, onednn::engine(), weight_desc()}) {
  if (low_ && !low_gives_the_same()) low_.reset();
}

void TileProduct::pack(const float* weight, size_t first, memory& packed) const {
  std::vector<float> parts;
  const float* from = weight + (shape_.product == Product::forward ? first * shape_.inputs : first);
  if (shape_.precision == Precision::split) {
    parts = split_weight(shape_, weight, first);
    from = parts.data();
  }
  dnnl::stream stream(onednn::engine());
  memory plain(plain_, onednn::engine(), const_cast<float*>(from));
  packing_.execute(stream, plain, packed);
  stream.wait();
}

void TileProduct::run(size_t rows, const void* x, const memory& weight, const memory& bias,
                      float* y, float* scratch) const {
  // What a thread has called, it calls again.
  thread_local std::unordered_map<const onednn::Matmul*, onednn::Matmul::Call> calls;
  const onednn::Matmul& product = rows == row_tile ? tall_ : *low_;
  auto call = calls.find(&product);
  if (call == calls.end())
    call = onednn::allocating([&] { return calls.try_emplace(&product, product).first; });
  call->second.run(x, weight, &bias, y, scratch);
}

size_t TileProduct::scratch_floats() const {
  return std::max(tall_.scratch_floats(), low_ ? low_->scratch_floats() : 0);
}

bool TileProduct::low_gives_the_same() const {
  const size_t bytes = row_tile * shape_.depth() * (shape_.type() == onednn::Type::f32 ? 4 : 2);
  const std::vector<float> values = scattered(row_tile * shape_.depth(), 1);
  std::vector<uint16_t> halves(values.size());
  to_bf16(values.data(), values.size(), halves.data());
  const auto* x =
      shape_.type() == onednn::Type::f32 ? static_cast<const void*>(values.data()) : halves.data();
  memory weight(weight_desc(), onednn::engine());
  pack(scattered(size_t(shape_.inputs) * shape_.outputs, 2).data(), 0, weight);
  const std::vector<float> b = scattered(shape_.columns, 3);
  const memory bias(matrix(1, shape_.columns, shape_.columns), onednn::engine(),
                    const_cast<float*>(b.data()));
  std::vector<float> tall(row_tile * shape_.columns), low = tall, scratch(scratch_floats());
  onednn::Matmul::Call(tall_).run(x, weight, &bias, tall.data(), scratch.data());
  onednn::Matmul::Call call(*low_);
  for (size_t row = 0; row < row_tile; row += low_tile)
    call.run(static_cast<const char*>(x) + row * bytes / row_tile, weight, &bias,
             low.data() + row * shape_.columns, scratch.data());
  return std::memcmp(tall.data(), low.data(), tall.size() * sizeof(float)) == 0;
}

bool has_bf16() {
  static const bool has = [] {
    try {
      const TileShape small{Precision::bf16, Product::forward, 64, 64, 64};
      const auto found = describe(
          small, row_tile, onednn::packed_matrix(small.depth(), small.columns, small.type()));
      return std::strncmp(found.impl_info_str(), "ref", 3) != 0;
    } catch (const dnnl::error&) {
      return false;
    }
  }();
  return has;
}

// Never freed: oneDNN may be gone when static objects go.
const TileProduct& tile_product(const TileShape& shape) {
  static std::mutex mutex;
  static auto& known = *new std::map<TileShape, std::unique_ptr<TileProduct>>;
  const std::lock_guard lock(mutex);
  auto& product = known[shape];
  if (!product) onednn::create([&] { product = std::make_unique<TileProduct>(shape); });
  return *product;
}

}  // namespace molrt
