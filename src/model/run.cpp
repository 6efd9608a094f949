#include "model/run.h"

#include <algorithm>
#include <atomic>
#include <new>
#include <vector>

#include "base/error.h"
#include "base/parallel.h"

namespace molrt {
namespace {

// Enough rows to keep the products busy while the activations of a worker stay near its cache.
constexpr size_t tokens_per_pass = 8 * row_tile;

// Molecules whose pair matrices take more than this run one at a time, after the others.
constexpr size_t large_pair_bytes = size_t{256} << 20;

struct Pass {
  size_t first, count;
};

struct Plan {
  std::vector<Pass> shared;  // any worker's
  std::vector<Pass> large;   // one molecule each
};

bool is_large(const Model& model, const Features& molecule) {
  const Architecture& a = model.card().architecture;
  const AttentionShape shape{molecule.length(), a.width, a.heads};
  return shape.pair_size() * sizeof(float) > large_pair_bytes;
}

// Consecutive molecules; a pass ends when it is full, or so early that every thread has one.
Plan plan_passes(const Model& model, std::span<const Features* const> molecules,
                 const EncoderRun& run) {
  size_t all_tokens = 0;
  for (const Features* m : molecules) all_tokens += m->length();
  const size_t share = all_tokens / std::max(1, run.threads) + 1;
  const size_t most_tokens = std::clamp(share, row_tile, tokens_per_pass);
  const size_t most_molecules = run.batch_size > 0 ? run.batch_size : molecules.size();
  Plan plan;
  size_t tokens = 0;
  bool open = false;  // whether the last shared pass takes more
  for (size_t i = 0; i < molecules.size(); ++i) {
    if (is_large(model, *molecules[i])) {
      plan.large.push_back({i, 1});
      open = false;
      continue;
    }
    const size_t length = molecules[i]->length();
    if (!open || tokens + length > most_tokens || plan.shared.back().count >= most_molecules) {
      plan.shared.push_back({i, 0});
      tokens = 0;
      open = true;
    }
    ++plan.shared.back().count;
    tokens += length;
  }
  return plan;
}

void run_pass(const Model& model, std::span<const Features* const> molecules, const EncoderRun& run,
              Pass pass, Workspace& workspace) try {
  const size_t width = model.card().architecture.width;
  const auto batch = molecules.subspan(pass.first, pass.count);
  for (size_t encoder = 0; encoder < model.encoders(); ++encoder) {
    const float* rows = model.encoder(encoder).forward(batch, workspace);
    for (size_t m = 0; m < batch.size(); ++m) {
      run.consume(pass.first + m, encoder, rows);
      rows += batch[m]->length() * width;
    }
  }
} catch (const std::bad_alloc&) {
  workspace = Workspace();
  if (pass.count == 1) return run.failed(pass.first);
  for (size_t i = 0; i < pass.count; ++i)
    run_pass(model, molecules, run, {pass.first + i, 1}, workspace);
}

}  // namespace

void run_encoder(const Model& model, std::span<const Features* const> molecules,
                 const EncoderRun& run) {
  const Plan plan = plan_passes(model, molecules, run);
  std::atomic<size_t> done{0};
  const auto tell = [&] {
    if (run.progress && run.progress(done))
      fail(MOLRT_ERROR_CANCELLED, "stopped after {} of {} molecules", done.load(),
           molecules.size());
  };
  std::vector<Workspace> workspaces(std::max(1, run.threads));
  parallel_for(
      run.threads, plan.shared.size(),
      [&](size_t p, int worker) {
        run_pass(model, molecules, run, plan.shared[p], workspaces[worker]);
        done += plan.shared[p].count;
        if (worker == 0) tell();
      },
      tell);
  workspaces.clear();
  parallel_for(1, plan.large.size(), [&](size_t p, int) {
    Workspace workspace;
    run_pass(model, molecules, run, plan.large[p], workspace);
    ++done;
    tell();
  });
  if (!molecules.empty()) tell();
}

}  // namespace molrt
