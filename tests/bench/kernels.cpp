// The kernels alone, on one thread, by Google Benchmark:
//   molrt_bench_kernels [--benchmark_filter=attention ...]
#include <benchmark/benchmark.h>

#include <cmath>
#include <new>
#include <vector>

#include "base/parallel.h"
#include "base/philox.h"
#include "kernels/attention.h"
#include "kernels/gelu.h"
#include "kernels/layer_norm.h"
#include "kernels/matmul.h"
#include "kernels/pair_features.h"

namespace molrt {
namespace {

constexpr int width = 512, ffn = 2048, heads = 64, pair_width = 128, vocabulary = 31;

// Aligned as base/buffer.h's memory is, which the kernels count on.
template <typename T>
struct Aligned {
  using value_type = T;
  T* allocate(size_t count) {
    return static_cast<T*>(::operator new (count * sizeof(T), std::align_val_t{64}));
  }
  void deallocate(T* p, size_t) { ::operator delete (p, std::align_val_t{64}); }
  bool operator==(const Aligned&) const = default;
};
using Floats = std::vector<float, Aligned<float>>;

Floats random_values(size_t count, uint32_t stream = 1) {
  Floats values(count);
  for (size_t i = 0; i < count; ++i)
    values[i] = static_cast<float>(random_normal({1, 2}, stream, 0, 0, i));
  return values;
}

void count_rate(benchmark::State& state, const char* name, double each) {
  state.counters[name] = benchmark::Counter(each * static_cast<double>(state.iterations()),
                                            benchmark::Counter::kIsRate);
}

struct Shape {
  int inputs, outputs;
  Epilogue epilogue;
};

void matmul(benchmark::State& state, const Shape& shape) {
  const size_t rows = state.range(0);
  const PackedMatrix matrix(random_values(size_t(shape.inputs) * shape.outputs),
                            random_values(shape.outputs), shape.inputs, shape.outputs,
                            shape.epilogue);
  const auto x = random_values(padded_rows(rows) * shape.inputs);
  Floats y(padded_rows(rows) * shape.outputs);
  Buffer scratch;
  run_on_one_thread([&] {
    for (auto _ : state) {
      matrix.multiply(x.data(), rows, y.data(), scratch);
      benchmark::ClobberMemory();
    }
  });
  count_rate(state, "FLOP/s", 2.0 * rows * shape.inputs * shape.outputs);
}

void attention_of(benchmark::State& state) {
  const AttentionShape shape{static_cast<int>(state.range(0)), width, heads};
  const auto qkv = random_values(size_t(shape.tokens) * 3 * width);
  Floats bias(shape.pair_size(), -INFINITY), logits(bias), context(shape.tokens * width);
  for (size_t row = 0; row < size_t(heads) * shape.tokens; ++row)
    std::fill_n(bias.begin() + row * shape.pair_stride(), shape.tokens, .1f);
  Buffer scratch;
  for (auto _ : state) {
    attention(shape, qkv.data(), bias.data(), logits.data(), {}, context.data(), scratch);
    benchmark::ClobberMemory();
  }
  const double pairs = double(heads) * shape.tokens * shape.tokens;
  count_rate(state, "FLOP/s", 4.0 * pairs * shape.head_size());
  count_rate(state, "exp/s", pairs);
}

void layer_norm_of(benchmark::State& state) {
  const size_t rows = state.range(0);
  const auto x = random_values(rows * width), weight = random_values(width),
             bias = random_values(width);
  Floats y(x.size());
  for (auto _ : state) {
    layer_norm(x.data(), rows, weight, bias, y.data());
    benchmark::ClobberMemory();
  }
  count_rate(state, "bytes/s", 2.0 * sizeof(float) * x.size());
}

void gelu_of(benchmark::State& state) {
  const auto x = random_values(state.range(0) * ffn);
  Floats y(x.size());
  for (auto _ : state) {
    gelu_forward(x.data(), x.size(), y.data());
    benchmark::ClobberMemory();
  }
  count_rate(state, "bytes/s", 2.0 * sizeof(float) * x.size());
}

void gaussian(benchmark::State& state) {
  const size_t pairs = state.range(0);
  const Floats mul(vocabulary * vocabulary, 1), bias(mul.size(), 0);
  Floats widths = random_values(pair_width), distances = random_values(pairs);
  for (float& w : widths) w = std::fabs(w) + 1e-5f;
  for (float& d : distances) d = std::fabs(d) * 4;
  const Floats means = random_values(pair_width, 2);
  const std::vector<int32_t> edge_types(pairs, 100);
  Floats out(pairs * pair_width);
  for (auto _ : state) {
    gaussian_features({mul, bias}, means, widths, distances.data(), edge_types.data(), pairs,
                      out.data());
    benchmark::ClobberMemory();
  }
  count_rate(state, "exp/s", double(pairs) * pair_width);
  count_rate(state, "bytes/s", sizeof(float) * double(out.size()));
}

void rows(benchmark::internal::Benchmark* b) { b->Arg(48)->Arg(96)->Arg(192)->Arg(384); }
void tokens(benchmark::internal::Benchmark* b) { b->Arg(20)->Arg(30)->Arg(50)->Arg(100); }

BENCHMARK_CAPTURE(matmul, in_proj, Shape{width, 3 * width, Epilogue::none})->Apply(rows);
BENCHMARK_CAPTURE(matmul, out_proj, Shape{width, width, Epilogue::accumulate})->Apply(rows);
BENCHMARK_CAPTURE(matmul, fc1, Shape{width, ffn, Epilogue::none})->Apply(rows);
BENCHMARK_CAPTURE(matmul, fc1_gelu, Shape{width, ffn, Epilogue::gelu})->Apply(rows);
BENCHMARK_CAPTURE(matmul, fc2, Shape{ffn, width, Epilogue::accumulate})->Apply(rows);
BENCHMARK_CAPTURE(matmul, pair1, Shape{pair_width, pair_width, Epilogue::gelu})->Apply(rows);
BENCHMARK_CAPTURE(matmul, pair2, Shape{pair_width, heads, Epilogue::none})->Apply(rows);
BENCHMARK(attention_of)->Name("attention")->Apply(tokens);
BENCHMARK(layer_norm_of)->Name("layer_norm")->Arg(48)->Arg(384);
BENCHMARK(gelu_of)->Name("gelu")->Arg(48)->Arg(384);
BENCHMARK(gaussian)->Arg(480)->Arg(900);

}  // namespace
}  // namespace molrt

BENCHMARK_MAIN();
