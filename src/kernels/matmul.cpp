#include "kernels/matmul.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <new>
#include <oneapi/dnnl/dnnl.hpp>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

#include "base/parallel.h"
#include "kernels/gelu.h"

namespace molrt {
namespace {

using dnnl::memory;
using Tag = memory::format_tag;

const dnnl::engine& cpu_engine() {
  static const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  return engine;
}

memory::desc matrix(size_t rows, int columns, Tag tag) {
  return {{static_cast<memory::dim>(rows), columns}, memory::data_type::f32, tag};
}

dnnl::primitive_attr attributes(bool accumulate) {
  dnnl::primitive_attr attr;
  attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);  // the default is shared between threads
  dnnl::post_ops ops;
  if (accumulate) ops.append_sum(1.0f);
  attr.set_post_ops(ops);
  return attr;
}

// bias may be of zero dimensions: none.
dnnl::matmul::primitive_desc describe(const memory::desc& x, const memory::desc& w,
                                      const memory::desc& b, const memory::desc& y,
                                      bool accumulate) {
#if DNNL_VERSION_MAJOR >= 3
  return {cpu_engine(), x, w, b, y, attributes(accumulate)};
#else
  return {dnnl::matmul::desc(x, w, b, y), attributes(accumulate), cpu_engine()};
#endif
}

// oneDNN (2.6) crashes where it gets no memory for the code that it generates. So whether there is
// some is found out before.
void require_code_memory() {
  constexpr size_t enough = 16 << 20;
  void* probe = mmap(nullptr, enough, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (probe == MAP_FAILED) throw std::bad_alloc();
  munmap(probe, enough);
}

// oneDNN's kernels of this kind (before 3.12) let the stack pointer of the thread point to the
// heap, where a signal's handler would then write its frame (uxlfoundation/oneDNN#4845).
bool moves_the_stack(const dnnl::matmul::primitive_desc& description) {
  return std::strstr(description.impl_info_str(), "gemm:jit") != nullptr;
}

// The thread's signals wait, if they must; but for those that tell of its own faults.
class HeldSignals {
 public:
  explicit HeldSignals(bool needed) {
    if (!needed) return;
    sigset_t all;
    sigfillset(&all);
    for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT})
      sigdelset(&all, fault);
    held_ = pthread_sigmask(SIG_SETMASK, &all, &before_) == 0;
  }
  ~HeldSignals() {
    if (held_) pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  HeldSignals(const HeldSignals&) = delete;
  HeldSignals& operator=(const HeldSignals&) = delete;

 private:
  bool held_ = false;
  sigset_t before_;
};

size_t scratch_floats(const dnnl::matmul::primitive_desc& description) {
  return (description.scratchpad_desc().get_size() + sizeof(float) - 1) / sizeof(float);
}

// Runs make(), which creates primitives.
void create(const std::function<void()>& make) {
  run_on_one_thread([&] {
    require_code_memory();
    try {
      make();
    } catch (const dnnl::error& e) {
      if (e.status == dnnl_out_of_memory) throw std::bad_alloc();
      throw;
    }
  });
}

}  // namespace

struct PackedMatrix::Plan {
  int inputs, outputs;  // of the product
  Epilogue epilogue;
  dnnl::matmul::primitive_desc description;
  dnnl::matmul product;
  memory weight, bias;
  size_t scratch;  // floats
  bool holds_signals;

  Plan(int in, int out, Epilogue end)
      : inputs(in),
        outputs(out),
        epilogue(end),
        // The weight packed as the kernel likes it.
        description(describe(matrix(row_tile, in, Tag::ab), matrix(in, out, Tag::any),
                             matrix(1, out, Tag::ab), matrix(row_tile, out, Tag::ab),
                             end == Epilogue::accumulate)),
        product(description),
        weight(description.weights_desc(), cpu_engine()),
        bias(matrix(1, out, Tag::ab), cpu_engine()),
        scratch(scratch_floats(description)),
        holds_signals(moves_the_stack(description)) {}

  void pack(std::span<const float> w, std::span<const float> b, Product direction) {
    // Forward, our [outputs, inputs] is oneDNN's [inputs, outputs] with the strides exchanged.
    const Tag tag = direction == Product::forward ? Tag::ba : Tag::ab;
    memory plain(matrix(inputs, outputs, tag), cpu_engine(), const_cast<float*>(w.data()));
    dnnl::stream stream(cpu_engine());
    dnnl::reorder(plain, weight).execute(stream, plain, weight);
    stream.wait();
    float* values = static_cast<float*>(bias.get_data_handle());
    std::fill(values, values + outputs, 0.0f);
    if (direction == Product::forward) std::copy(b.begin(), b.end(), values);
  }
};

PackedMatrix::PackedMatrix(std::span<const float> weight, std::span<const float> bias, int inputs,
                           int outputs, Epilogue epilogue, Product product) {
  if (product == Product::backward) std::swap(inputs, outputs);
  create([&] {
    plan_ = std::make_unique<Plan>(inputs, outputs, epilogue);
    plan_->pack(weight, bias, product);
  });
}
PackedMatrix::~PackedMatrix() = default;
PackedMatrix::PackedMatrix(PackedMatrix&&) noexcept = default;
PackedMatrix& PackedMatrix::operator=(PackedMatrix&&) noexcept = default;

void PackedMatrix::multiply(const float* x, size_t rows, float* y, Buffer& scratch) const {
  const Plan& plan = *plan_;
  dnnl::stream stream(cpu_engine());
  memory source(matrix(row_tile, plan.inputs, Tag::ab), cpu_engine(), const_cast<float*>(x));
  memory result(matrix(row_tile, plan.outputs, Tag::ab), cpu_engine(), y);
  memory scratchpad(plan.description.scratchpad_desc(), cpu_engine(), scratch.resize(plan.scratch));
  const std::unordered_map<int, memory> arguments = {{DNNL_ARG_SRC, source},
                                                     {DNNL_ARG_WEIGHTS, plan.weight},
                                                     {DNNL_ARG_BIAS, plan.bias},
                                                     {DNNL_ARG_DST, result},
                                                     {DNNL_ARG_SCRATCHPAD, scratchpad}};
  const HeldSignals held(plan.holds_signals);
  for (size_t row = 0; row < rows; row += row_tile) {
    float* tile = y + row * plan.outputs;
    source.set_data_handle(const_cast<float*>(x + row * plan.inputs));
    result.set_data_handle(tile);
    plan.product.execute(stream, arguments);
    if (plan.epilogue == Epilogue::gelu) gelu_forward(tile, row_tile * plan.outputs, tile);
  }
  stream.wait();
}

namespace {

constexpr int gradient_block = 64;               // rows of d_weight
constexpr size_t gradient_depth = 4 * row_tile;  // rows of the batch at a time

// d_W [block, inputs] += d_y[:, block]^T x over `depth` rows of the batch.
struct GradientProduct {
  dnnl::matmul::primitive_desc description;
  dnnl::matmul product;
  bool holds_signals;

  GradientProduct(int block, int inputs, int outputs, size_t depth)
      : description(describe({{block, static_cast<memory::dim>(depth)},
                              memory::data_type::f32,
                              memory::dims{1, outputs}},
                             matrix(depth, inputs, Tag::ab), memory::desc(),
                             matrix(block, inputs, Tag::ab), true)),
        product(description),
        holds_signals(moves_the_stack(description)) {}

  void run(const float* d_y, const float* x, float* d_weight, Buffer& scratch) const {
    dnnl::stream stream(cpu_engine());
    const auto at = [](const memory::desc& d, const float* p) {
      return memory(d, cpu_engine(), const_cast<float*>(p));
    };
    const HeldSignals held(holds_signals);
    product.execute(
        stream, {{DNNL_ARG_SRC, at(description.src_desc(), d_y)},
                 {DNNL_ARG_WEIGHTS, at(description.weights_desc(), x)},
                 {DNNL_ARG_DST, at(description.dst_desc(), d_weight)},
                 {DNNL_ARG_SCRATCHPAD,
                  at(description.scratchpad_desc(), scratch.resize(scratch_floats(description)))}});
    stream.wait();
  }
};

// The same for whole and for last blocks.
struct GradientProducts {
  GradientProduct deep, shallow;
  GradientProducts(int block, int inputs, int outputs)
      : deep(block, inputs, outputs, gradient_depth), shallow(block, inputs, outputs, row_tile) {}
};

}  // namespace

struct WeightGradient::Plan {
  int inputs, outputs;
  std::optional<GradientProducts> whole, last;
};

WeightGradient::WeightGradient(int inputs, int outputs)
    : plan_(std::make_unique<Plan>(Plan{inputs, outputs, {}, {}})) {
  create([&] {
    if (outputs >= gradient_block) plan_->whole.emplace(gradient_block, inputs, outputs);
    if (const int rest = outputs % gradient_block) plan_->last.emplace(rest, inputs, outputs);
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

void WeightGradient::accumulate(int block, const float* d_y, const float* x, size_t rows,
                                float* d_weight, float* d_bias, Buffer& scratch) const {
  const size_t inputs = plan_->inputs, outputs = plan_->outputs;
  const auto [first, last] = rows_of(block);
  const GradientProducts& products = last - first == gradient_block ? *plan_->whole : *plan_->last;
  for (size_t row = 0, depth; row < rows; row += depth) {
    depth = padded_rows(rows) - row >= gradient_depth ? gradient_depth : row_tile;
    const GradientProduct& product = depth == row_tile ? products.shallow : products.deep;
    product.run(d_y + row * outputs + first, x + row * inputs, d_weight + first * inputs, scratch);
  }
  for (size_t row = 0; row < rows; ++row)
    for (size_t o = first; o < last; ++o) d_bias[o] += d_y[row * outputs + o];
}

const char* onednn_version() {
  static const std::string text = [] {
    const dnnl_version_t* v = dnnl::version();
    return fmt::format("{}.{}.{}", v->major, v->minor, v->patch);
  }();
  return text.c_str();
}

const char* onednn_isa() {
  switch (dnnl::get_effective_cpu_isa()) {
    case dnnl::cpu_isa::sse41:
      return "SSE41";
    case dnnl::cpu_isa::avx:
      return "AVX";
    case dnnl::cpu_isa::avx2:
      return "AVX2";
    case dnnl::cpu_isa::avx2_vnni:
      return "AVX2_VNNI";
    case dnnl::cpu_isa::avx512_core:
      return "AVX512_CORE";
    case dnnl::cpu_isa::avx512_core_vnni:
      return "AVX512_CORE_VNNI";
    case dnnl::cpu_isa::avx512_core_bf16:
      return "AVX512_CORE_BF16";
    case dnnl::cpu_isa::avx512_core_amx:
      return "AVX512_CORE_AMX";
    default:
      return "other";
  }
}

}  // namespace molrt
