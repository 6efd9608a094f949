#include "api/guard.h"
#include "api/handles.h"
#include "base/parallel.h"
#include "kernels/cpu.h"

using namespace molrt;
using namespace molrt::api;

namespace {
constexpr int most_threads = 4096;
const molrt_context_options defaults = {sizeof(molrt_context_options), 0, nullptr, nullptr};
}  // namespace

int32_t molrt_context_options_init(molrt_context_options* options, size_t struct_size) {
  return init_struct(options, struct_size, defaults, "options");
}

int32_t molrt_context_create(const molrt_context_options* options, molrt_context** context) {
  return guarded([&] {
    require(context, "context") = nullptr;
    check_cpu_limit();
    const auto o = read_struct(options, defaults, "options");
    require_range("threads", o.threads, 0, most_threads);
    *context = new molrt_context{o.threads ? o.threads : available_threads(), o.log, o.log_user};
  });
}

void molrt_context_free(molrt_context* context) { delete context; }
