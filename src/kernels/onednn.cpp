#include "kernels/onednn.h"

#include <fmt/format.h>
#include <sys/mman.h>

#include <cstring>
#include <new>
#include <string>

#include "base/parallel.h"
#include "kernels/matmul.h"

namespace molrt {
namespace onednn {
namespace {

dnnl::primitive_attr attributes(bool accumulate) {
  dnnl::primitive_attr attr;
  attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);  // the default is shared between threads
  dnnl::post_ops ops;
  if (accumulate) ops.append_sum(1.0f);
  attr.set_post_ops(ops);
  return attr;
}

// oneDNN (2.6) crashes where it gets no memory for the code that it generates. So whether there is
// some is found out before.
void require_code_memory() {
  constexpr size_t enough = 16 << 20;
  void* probe = mmap(nullptr, enough, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (probe == MAP_FAILED) throw std::bad_alloc();
  munmap(probe, enough);
}

void require(dnnl_status_t status) {
  if (status == dnnl_out_of_memory) throw std::bad_alloc();
  dnnl::error::wrap_c_api(status, "a matrix product failed");
}

void point(memory& memory, const void* data) { memory.set_data_handle(const_cast<void*>(data)); }

}  // namespace

const dnnl::engine& engine() {
  static const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  return engine;
}

memory::desc matrix(size_t rows, size_t columns, size_t stride, Type type) {
  return {{static_cast<memory::dim>(rows), static_cast<memory::dim>(columns)},
          type,
          memory::dims{static_cast<memory::dim>(stride), 1}};
}

memory::desc packed_matrix(size_t rows, size_t columns, Type type) {
  return {{static_cast<memory::dim>(rows), static_cast<memory::dim>(columns)}, type, Tag::any};
}

dnnl::matmul::primitive_desc describe(const memory::desc& x, const memory::desc& w,
                                      const memory::desc& b, const memory::desc& y,
                                      bool accumulate) {
#if DNNL_VERSION_MAJOR >= 3
  return {engine(), x, w, b, y, attributes(accumulate)};
#else
  return {dnnl::matmul::desc(x, w, b, y), attributes(accumulate), engine()};
#endif
}

Matmul::Matmul(const dnnl::matmul::primitive_desc& description)
    : description_(description),
      product_(description),
      scratch_((description.scratchpad_desc().get_size() + sizeof(float) - 1) / sizeof(float)) {}

Matmul::Call::Call(const Matmul& matmul)
    : matmul_(matmul),
      stream_(engine()),
      x_(matmul.description_.src_desc(), engine(), nullptr),
      y_(matmul.description_.dst_desc(), engine(), nullptr),
      scratch_(matmul.description_.scratchpad_desc(), engine(), nullptr) {}

// The C function: the C++ one would make a map and a list in each call.
void Matmul::Call::run(const void* x, const memory& w, const memory* b, void* y, float* scratch) {
  point(x_, x);
  point(y_, y);
  point(scratch_, scratch);
  const dnnl_exec_arg_t arguments[] = {{DNNL_ARG_SRC, x_.get()},
                                       {DNNL_ARG_WEIGHTS, w.get()},
                                       {DNNL_ARG_DST, y_.get()},
                                       {DNNL_ARG_SCRATCHPAD, scratch_.get()},
                                       {DNNL_ARG_BIAS, b ? b->get() : nullptr}};
  require(dnnl_primitive_execute(matmul_.product_.get(), stream_.get(), b ? 5 : 4, arguments));
  stream_.wait();
}

void create(const std::function<void()>& make) {
  run_on_one_thread([&] {
    require_code_memory();
    allocating(make);
  });
}

// But for those signals that tell of the thread's own faults.
HeldSignals::HeldSignals(const dnnl::matmul::primitive_desc& description) {
  if (std::strstr(description.impl_info_str(), "gemm:jit") == nullptr) return;
  sigset_t all;
  sigfillset(&all);
  for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT})
    sigdelset(&all, fault);
  held_ = pthread_sigmask(SIG_SETMASK, &all, &before_) == 0;
}

HeldSignals::~HeldSignals() {
  if (held_) pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

}  // namespace onednn

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
