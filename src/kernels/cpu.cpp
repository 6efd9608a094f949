#include "kernels/cpu.h"

#include <hwy/highway.h>

#include <cstdlib>
#include <oneapi/dnnl/dnnl.hpp>
#include <string_view>

#include "base/error.h"

namespace molrt {
namespace {

constexpr const char* variable = "MOLRT_MAX_CPU_ISA";

struct Limit {
  std::string_view name;
  dnnl::cpu_isa onednn;
};
constexpr Limit limits[] = {{"AVX2", dnnl::cpu_isa::avx2},
                            {"AVX512", dnnl::cpu_isa::avx512_core},
                            {"AVX512_BF16", dnnl::cpu_isa::avx512_core_bf16}};

// Highway's better targets have the lower bits.
void limit_own_kernels(const Limit& limit) {
#if HWY_ARCH_X86
  if (limit.name == "AVX2") hwy::DisableTargets(HWY_AVX2 - 1);
#endif
}

// Whether the variable's value is known, or there is none.
bool apply_limit() {
  const char* value = std::getenv(variable);
  if (value == nullptr) return true;
  for (const Limit& limit : limits)
    if (limit.name == value) {
      dnnl::set_max_cpu_isa(limit.onednn);
      limit_own_kernels(limit);
      return true;
    }
  return false;
}

// Before any kernel runs, which settles what is used.
const bool known = apply_limit();

}  // namespace

void check_cpu_limit() {
  if (!known)
    fail(MOLRT_ERROR_INVALID_ARGUMENT,
         "the environment variable {}: expected AVX2, AVX512 or AVX512_BF16, found '{}'", variable,
         std::getenv(variable) ? std::getenv(variable) : "");
}

}  // namespace molrt
