#include "failing_malloc.h"

#include <link.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>

extern "C" {
void* __libc_malloc(size_t size);
void* __libc_calloc(size_t count, size_t size);
void* __libc_realloc(void* block, size_t size);
void* __libc_memalign(size_t alignment, size_t size);
void __libc_free(void* block);
}

namespace molrt::robust {
namespace {

std::atomic<bool> armed{false};
std::atomic<bool> refused{false};
std::atomic<int64_t> remaining{0};
std::atomic<size_t> smallest{0};
std::atomic<Failing> mode{Failing::once};
std::atomic<int64_t> live{0};

struct Range {
  uintptr_t begin, end;
  size_t smallest;  // smaller blocks are not refused
};
constexpr int most_exempt = 8;
Range exempt[most_exempt];
int exempt_count = 0;

// The size from which on blocks of a library are refused.
size_t smallest_refused(const char* name) {
  for (const char* own : {"libgomp", "ld-linux", "libc.so"})
    if (std::strstr(name, own)) return SIZE_MAX;
  return std::strstr(name, "libdnnl") ? 4096 : 0;  // of small ones it does not look at the result
}

int find_exempt(dl_phdr_info* info, size_t, void*) {
  const size_t own = smallest_refused(info->dlpi_name);
  if (own == 0) return 0;
  for (int i = 0; i < info->dlpi_phnum && exempt_count < most_exempt; ++i)
    if (info->dlpi_phdr[i].p_type == PT_LOAD && info->dlpi_phdr[i].p_flags & PF_X) {
      const uintptr_t begin = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
      exempt[exempt_count++] = {begin, begin + info->dlpi_phdr[i].p_memsz, own};
    }
  return 0;
}

// Whether this allocation is the one that fails.
bool refuse(const void* caller, size_t size) {
  if (!armed || size < smallest) return false;
  const auto address = reinterpret_cast<uintptr_t>(caller);
  for (int i = 0; i < exempt_count; ++i)
    if (address >= exempt[i].begin && address < exempt[i].end && size < exempt[i].smallest)
      return false;
  const int64_t left = --remaining;
  if (left > 0 || (left < 0 && mode == Failing::once)) return false;
  refused = true;
  errno = ENOMEM;
  return true;
}

void* counted(void* block) {
  if (block) ++live;
  return block;
}

}  // namespace

void fail_allocation(uint64_t n, Failing failing, size_t smallest_block) {
  if (exempt_count == 0) dl_iterate_phdr(find_exempt, nullptr);
  remaining = static_cast<int64_t>(n);
  mode = failing;
  smallest = smallest_block;
  refused = false;
  armed = true;
}

bool stop_failing() {
  armed = false;
  return refused;
}

int64_t live_blocks() { return live; }

}  // namespace molrt::robust

#define CALLER __builtin_return_address(0)
using molrt::robust::counted;
using molrt::robust::refuse;

// Seen by every library of the process.
#pragma GCC visibility push(default)
extern "C" {

void* malloc(size_t size) { return refuse(CALLER, size) ? nullptr : counted(__libc_malloc(size)); }

void* calloc(size_t count, size_t size) {
  return refuse(CALLER, size) ? nullptr : counted(__libc_calloc(count, size));
}

void* realloc(void* block, size_t size) {
  if (refuse(CALLER, size)) return nullptr;
  if (!block) return counted(__libc_malloc(size));
  return __libc_realloc(block, size);
}

void* memalign(size_t alignment, size_t size) {
  return refuse(CALLER, size) ? nullptr : counted(__libc_memalign(alignment, size));
}

void* aligned_alloc(size_t alignment, size_t size) {
  return refuse(CALLER, size) ? nullptr : counted(__libc_memalign(alignment, size));
}

int posix_memalign(void** block, size_t alignment, size_t size) {
  if (refuse(CALLER, size)) return ENOMEM;
  *block = counted(__libc_memalign(alignment, size));
  return *block ? 0 : ENOMEM;
}

void free(void* block) {
  if (block) --molrt::robust::live;
  __libc_free(block);
}
}
#pragma GCC visibility pop
