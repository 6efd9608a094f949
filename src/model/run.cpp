#include "model/run.h"

#include <algorithm>
#include <atomic>
#include <vector>

#include "base/error.h"
#include "base/parallel.h"

namespace molrt {
namespace {

// Enough rows to keep the products busy while the activations of a worker stay near its cache.
constexpr size_t tokens_per_pass = 8 * row_tile;

struct Pass {
  size_t first, count;
};

// Consecutive molecules; a pass ends when it is full, or so early that every thread has one.
std::vector<Pass> plan_passes(std::span<const Features* const> molecules, const EncoderRun& run) {
  size_t all_tokens = 0;
  for (const Features* m : molecules) all_tokens += m->length();
  const size_t share = all_tokens / std::max(1, run.threads) + 1;
  const size_t limit = std::clamp(share, row_tile, tokens_per_pass);
  std::vector<Pass> passes;
  size_t tokens = 0;
  for (size_t i = 0; i < molecules.size(); ++i) {
    const size_t length = molecules[i]->length();
    const bool full = run.batch_size > 0
                          ? !passes.empty() && passes.back().count >= size_t(run.batch_size)
                          : tokens + length > limit;
    if (passes.empty() || full) {
      passes.push_back({i, 0});
      tokens = 0;
    }
    ++passes.back().count;
    tokens += length;
  }
  return passes;
}

}  // namespace

void run_encoder(const Model& model, std::span<const Features* const> molecules,
                 const EncoderRun& run) {
  const size_t width = model.card().architecture.width;
  const std::vector<Pass> passes = plan_passes(molecules, run);
  std::vector<Workspace> workspaces(std::max(1, run.threads));
  std::atomic<size_t> done{0};
  parallel_for(run.threads, passes.size(), [&](size_t p, int worker) {
    const auto batch = molecules.subspan(passes[p].first, passes[p].count);
    const float* rows = model.encoder().forward(batch, workspaces[worker]);
    for (size_t m = 0; m < batch.size(); ++m) {
      run.consume(passes[p].first + m, rows);
      rows += batch[m]->length() * width;
    }
    const size_t now = done += batch.size();
    if (worker == 0 && run.progress && run.progress(now))
      fail(MOLRT_ERROR_CANCELLED, "stopped by the progress callback");
  });
  if (run.progress && !molecules.empty() && run.progress(done))
    fail(MOLRT_ERROR_CANCELLED, "stopped by the progress callback");
}

}  // namespace molrt
