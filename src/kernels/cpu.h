#pragma once
// Which instructions the kernels use: this CPU's, or no more than the environment variable
// MOLRT_MAX_CPU_ISA allows, of oneDNN's kernels and of the own ones alike. Read when the library is
// loaded: AVX2; AVX512 (without bf16); AVX512_BF16 (without AMX).

namespace molrt {

// INVALID_ARGUMENT if the variable has another value.
void check_cpu_limit();

}  // namespace molrt
