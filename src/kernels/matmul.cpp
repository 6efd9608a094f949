#include "kernels/matmul.h"

#include <fmt/format.h>
#include <sys/mman.h>

#include <cstring>
#include <new>
#include <oneapi/dnnl/dnnl.hpp>
#include <string>
#include <unordered_map>

#include "base/parallel.h"

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

dnnl::primitive_attr attributes(Epilogue epilogue) {
  dnnl::primitive_attr attr;
  attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);  // the default is shared between threads
  dnnl::post_ops ops;
  if (epilogue == Epilogue::accumulate) ops.append_sum(1.0f);
#if DNNL_VERSION_MAJOR >= 3
  if (epilogue == Epilogue::gelu) ops.append_eltwise(dnnl::algorithm::eltwise_gelu_erf, 0, 0);
#else
  if (epilogue == Epilogue::gelu) ops.append_eltwise(1, dnnl::algorithm::eltwise_gelu_erf, 0, 0);
#endif
  attr.set_post_ops(ops);
  return attr;
}

dnnl::matmul::primitive_desc describe(int inputs, int outputs, Epilogue epilogue) {
  const auto x = matrix(row_tile, inputs, Tag::ab);
  const auto w = matrix(inputs, outputs, Tag::any);  // packed as the kernel likes it
  const auto b = matrix(1, outputs, Tag::ab);
  const auto y = matrix(row_tile, outputs, Tag::ab);
#if DNNL_VERSION_MAJOR >= 3
  return {cpu_engine(), x, w, b, y, attributes(epilogue)};
#else
  return {dnnl::matmul::desc(x, w, b, y), attributes(epilogue), cpu_engine()};
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

}  // namespace

struct PackedMatrix::Plan {
  int inputs, outputs;
  dnnl::matmul::primitive_desc description;
  dnnl::matmul product;
  memory weight, bias;
  size_t scratch_floats;

  Plan(int in, int out, Epilogue epilogue)
      : inputs(in),
        outputs(out),
        description(describe(in, out, epilogue)),
        product(description),
        weight(description.weights_desc(), cpu_engine()),
        bias(matrix(1, out, Tag::ab), cpu_engine()),
        scratch_floats((description.scratchpad_desc().get_size() + 3) / 4) {}

  void pack(std::span<const float> w, std::span<const float> b) {
    // Our [outputs, inputs] is oneDNN's [inputs, outputs] with the strides exchanged.
    memory plain(matrix(inputs, outputs, Tag::ba), cpu_engine(), const_cast<float*>(w.data()));
    dnnl::stream stream(cpu_engine());
    dnnl::reorder(plain, weight).execute(stream, plain, weight);
    stream.wait();
    std::memcpy(bias.get_data_handle(), b.data(), b.size_bytes());
  }
};

PackedMatrix::PackedMatrix(std::span<const float> weight, std::span<const float> bias, int inputs,
                           int outputs, Epilogue epilogue) {
  run_on_one_thread([&] {
    require_code_memory();
    try {
      plan_ = std::make_unique<Plan>(inputs, outputs, epilogue);
      plan_->pack(weight, bias);
    } catch (const dnnl::error& e) {
      if (e.status == dnnl_out_of_memory) throw std::bad_alloc();
      throw;
    }
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
  memory scratchpad(plan.description.scratchpad_desc(), cpu_engine(),
                    scratch.resize(plan.scratch_floats));
  const std::unordered_map<int, memory> arguments = {{DNNL_ARG_SRC, source},
                                                     {DNNL_ARG_WEIGHTS, plan.weight},
                                                     {DNNL_ARG_BIAS, plan.bias},
                                                     {DNNL_ARG_DST, result},
                                                     {DNNL_ARG_SCRATCHPAD, scratchpad}};
  for (size_t row = 0; row < rows; row += row_tile) {
    source.set_data_handle(const_cast<float*>(x + row * plan.inputs));
    result.set_data_handle(y + row * plan.outputs);
    plan.product.execute(stream, arguments);
  }
  stream.wait();
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
