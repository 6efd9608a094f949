#pragma once
// What the kernels' files need of oneDNN (2.6 and 3.x); only they include this.
#include <signal.h>

#include <functional>
#include <new>
#include <oneapi/dnnl/dnnl.hpp>

#include "base/buffer.h"

namespace molrt::onednn {

using dnnl::memory;
using Tag = memory::format_tag;
using Type = memory::data_type;

const dnnl::engine& engine();

// Row-major, rows `stride` elements apart.
memory::desc matrix(size_t rows, size_t columns, size_t stride, Type type = Type::f32);
// As the kernel likes it.
memory::desc packed_matrix(size_t rows, size_t columns, Type type);

// y = x w + b, + y where it accumulates. b may be of zero dimensions: none.
dnnl::matmul::primitive_desc describe(const memory::desc& x, const memory::desc& w,
                                      const memory::desc& b, const memory::desc& y,
                                      bool accumulate);

// A product whose operands' addresses come with each call. Any number of threads.
class Matmul {
 public:
  explicit Matmul(const dnnl::matmul::primitive_desc& description);

  const dnnl::matmul::primitive_desc& description() const { return description_; }
  size_t scratch_floats() const { return scratch_; }

  // One thread's way to call it: what oneDNN wants of memory objects is made once.
  class Call {
   public:
    explicit Call(const Matmul& matmul);
    void run(const void* x, const memory& w, const memory* b, void* y, float* scratch);

   private:
    const Matmul& matmul_;
    dnnl::stream stream_;
    memory x_, y_, scratch_;
  };

 private:
  dnnl::matmul::primitive_desc description_;
  dnnl::matmul product_;
  size_t scratch_;
};

// Runs make(), which creates what oneDNN counts memory for; std::bad_alloc where there is none.
template <typename Make>
auto allocating(const Make& make) try {
  return make();
} catch (const dnnl::error& e) {
  if (e.status == dnnl_out_of_memory) throw std::bad_alloc();
  throw;
}

// Runs make(), which creates primitives; std::bad_alloc where there is no memory for their code.
void create(const std::function<void()>& make);

// The thread's signals wait while kernels run that let the stack pointer point to the heap, where a
// signal's handler would write its frame (oneDNN before 3.12: uxlfoundation/oneDNN#4845).
class HeldSignals {
 public:
  explicit HeldSignals(const dnnl::matmul::primitive_desc& description);
  ~HeldSignals();
  HeldSignals(const HeldSignals&) = delete;
  HeldSignals& operator=(const HeldSignals&) = delete;

 private:
  bool held_ = false;
  sigset_t before_;
};

}  // namespace molrt::onednn
