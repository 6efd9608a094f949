#include "chain.h"

#include <fmt/format.h>

#include <array>
#include <limits>
#include <oneapi/dnnl/dnnl.hpp>
#include <unordered_map>
#include <vector>

#include "base/parallel.h"
#include "base/tensor.h"

namespace molrt {
namespace {

using dnnl::memory;
using Tag = memory::format_tag;
using Type = memory::data_type;

const dnnl::engine& cpu() {
  static const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  return engine;
}

memory::desc matrix(size_t rows, int columns, Type type, Tag tag = Tag::ab) {
  return {{static_cast<memory::dim>(rows), columns}, type, tag};
}

// Small numbers of both signs, whatever the layout.
memory filled(const memory::desc& desc) {
  memory m(desc, cpu());
  const auto value = [](size_t i) {
    return static_cast<float>(int(i * 2654435761u >> 8 & 63) - 32) / 1000;
  };
  const size_t bytes = desc.get_size();
  if (desc.data_type() == Type::f32)
    for (size_t i = 0; i < bytes / 4; ++i) static_cast<float*>(m.get_data_handle())[i] = value(i);
  else
    for (size_t i = 0; i < bytes / 2; ++i)
      static_cast<uint16_t*>(m.get_data_handle())[i] = f32_to_bf16(value(i));
  return m;
}

enum Kind { in_proj, out_proj, fc1, fc2, kinds };

struct ProductShape {
  int inputs, outputs;
};

ProductShape product_shape(const ChainShape& s, Kind kind) {
  switch (kind) {
    case in_proj:
      return {s.width, 3 * s.width};
    case out_proj:
      return {s.width, s.width};
    case fc1:
      return {s.width, s.ffn};
    default:
      return {s.ffn, s.width};
  }
}

dnnl::primitive_attr attributes(Kind kind) {
  dnnl::primitive_attr attr;
  attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  dnnl::post_ops ops;
#if DNNL_VERSION_MAJOR >= 3
  if (kind == fc1) ops.append_eltwise(dnnl::algorithm::eltwise_gelu_erf, 0, 0);
#else
  if (kind == fc1) ops.append_eltwise(1, dnnl::algorithm::eltwise_gelu_erf, 0, 0);
#endif
  if (kind == out_proj || kind == fc2) ops.append_sum(1.0f);
  attr.set_post_ops(ops);
  return attr;
}

dnnl::matmul::primitive_desc describe(const ChainShape& shape, const ChainWay& way, Kind kind) {
  const auto [inputs, outputs] = product_shape(shape, kind);
  const Type in = way.precision == Precision::f32 ? Type::f32 : Type::bf16;
  const Type out = way.f32_out ? Type::f32 : in;
  const memory::desc x = matrix(way.tile, inputs, in), w = matrix(inputs, outputs, in, Tag::any),
                     b = matrix(1, outputs, Type::f32), y = matrix(way.tile, outputs, out);
#if DNNL_VERSION_MAJOR >= 3
  return {cpu(), x, w, b, y, attributes(kind)};
#else
  return {dnnl::matmul::desc(x, w, b, y), attributes(kind), cpu()};
#endif
}

}  // namespace

std::string ChainWay::text() const {
  return fmt::format("{} x {} rows, {}{}", tiles, tile, shared ? "shared calls" : "a call a thread",
                     f32_out ? ", f32 results" : "");
}

struct Chain::Products {
  struct Product {
    dnnl::matmul::primitive_desc description;
    dnnl::matmul run;
    memory bias;
    std::vector<memory> weights;  // of the layers
    Product(const dnnl::matmul::primitive_desc& d, int layers)
        : description(d), run(d), bias(filled(d.bias_desc())) {
      for (int i = 0; i < layers; ++i) weights.push_back(filled(d.weights_desc()));
    }
  };
  int layers;
  std::vector<Product> of_kind;
  Products(const ChainShape& shape, const ChainWay& way) : layers(shape.layers) {
    for (int k = 0; k < kinds; ++k)
      of_kind.emplace_back(describe(shape, way, static_cast<Kind>(k)), shape.layers);
  }
};

// What one thread's calls read and write. The FFN's results are what its second product reads,
// where they are of the same type; the residual sums have one place.
struct Chain::Worker {
  using Arguments = std::unordered_map<int, memory>;
  dnnl::stream stream{cpu()};
  std::array<std::vector<Arguments>, kinds> arguments;  // of the tiles

  void prepare(const Products& products, const ChainWay& way) {
    for (size_t t = 0; t < way.tiles; ++t) {
      const memory normed = filled(description(products, in_proj).src_desc());
      const memory sum(filled(description(products, fc2).dst_desc()));
      const memory hidden = filled(description(products, fc1).dst_desc());
      add(products, in_proj, normed, memory(description(products, in_proj).dst_desc(), cpu()));
      add(products, out_proj, filled(description(products, out_proj).src_desc()), sum);
      add(products, fc1, normed, hidden);
      const auto read = description(products, fc2).src_desc();
      add(products, fc2, read == hidden.get_desc() ? hidden : filled(read), sum);
    }
  }
  void run(const Products& products) {
    for (int layer = 0; layer < products.layers; ++layer)
      for (int k = 0; k < kinds; ++k)
        for (Arguments& a : arguments[k]) {
          a[DNNL_ARG_WEIGHTS] = products.of_kind[k].weights[layer];
          products.of_kind[k].run.execute(stream, a);
        }
    stream.wait();
  }

 private:
  static const dnnl::matmul::primitive_desc& description(const Products& products, Kind kind) {
    return products.of_kind[kind].description;
  }
  void add(const Products& products, Kind kind, const memory& x, const memory& y) {
    arguments[kind].push_back(
        {{DNNL_ARG_SRC, x},
         {DNNL_ARG_BIAS, products.of_kind[kind].bias},
         {DNNL_ARG_DST, y},
         {DNNL_ARG_SCRATCHPAD, memory(description(products, kind).scratchpad_desc(), cpu())}});
  }
};

// oneDNN counts the threads of a call when a primitive is created.
Chain::Chain(const ChainShape& shape, const ChainWay& way, int threads)
    : way_(way), threads_(threads) {
  const auto make = [&] { products_ = std::make_unique<Products>(shape, way); };
  if (way.shared)
    make();
  else
    run_on_one_thread(make);
  const int workers = way.shared ? 1 : threads;
  workers_ = std::make_unique<Worker[]>(workers);
  for (int w = 0; w < workers; ++w) workers_[w].prepare(*products_, way);
}
Chain::~Chain() = default;

Span Chain::time(size_t rows) {
  const size_t lanes = way_.shared ? 1 : threads_, round = lanes * way_.tile * way_.tiles;
  const size_t passes = (rows + round - 1) / round * lanes;
  const Span span = time_of([&] {
    if (way_.shared)
      for (size_t p = 0; p < passes; ++p) workers_[0].run(*products_);
    else
      parallel_for(threads_, passes, [&](size_t, int worker) { workers_[worker].run(*products_); });
  });
  const double part =
      static_cast<double>(rows) / static_cast<double>(passes * way_.tile * way_.tiles);
  return {span.wall * part, span.cpu * part};
}

namespace {

std::unique_ptr<Chain> fastest(const ChainShape& shape, std::vector<ChainWay> ways, size_t rows,
                               int threads) {
  if (ways[0].precision == Precision::bf16)
    for (size_t i = 0, count = ways.size(); i < count; ++i) {
      ways.push_back(ways[i]);
      ways.back().f32_out = true;
    }
  double best = std::numeric_limits<double>::infinity();
  ChainWay chosen = ways[0];
  for (const ChainWay& way : ways) {
    Chain chain(shape, way, threads);
    chain.time(rows);
    const double seconds = std::min(chain.time(rows).wall, chain.time(rows).wall);
    fmt::print(stderr, "{}: {:.1f} GFLOP/s\n", way.text(), shape.operations(rows) / seconds / 1e9);
    if (seconds >= best) continue;
    best = seconds;
    chosen = way;
  }
  return std::make_unique<Chain>(shape, chosen, threads);
}

}  // namespace

std::unique_ptr<Chain> fastest_chain(const ChainShape& shape, Precision precision, size_t rows,
                                     int threads) {
  constexpr size_t enough = 768;  // rows, to tell the ways apart
  return fastest(shape,
                 {{precision, 48, 8},
                  {precision, 96},
                  {precision, 192},
                  {precision, 384},
                  {precision, 768, 1, true}},
                 std::min(rows, enough), threads);
}

std::unique_ptr<Chain> fastest_small_chain(const ChainShape& shape, Precision precision,
                                           size_t tokens, int threads) {
  return fastest(shape, {{precision, tokens, 1, true}}, tokens, threads);
}

}  // namespace molrt
