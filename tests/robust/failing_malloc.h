#pragma once
// malloc of this process, which can be told to fail. For programs that link failing_malloc.cpp.
#include <cstddef>
#include <cstdint>

namespace molrt::robust {

enum class Failing { once, from_then_on };

// The n-th allocation of `smallest_block` bytes or more from now, from 1, finds no memory; those
// behind it as `failing` says. Not counted: the C library's own; libgomp's, which ends the process
// where it gets none; small ones of oneDNN's, which crashes (2.6).
void fail_allocation(uint64_t n, Failing failing, size_t smallest_block);
bool stop_failing();    // whether one was refused
int64_t live_blocks();  // allocated and not freed

}  // namespace molrt::robust
