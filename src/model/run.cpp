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
  std::vector<Pass> shared;
  std::vector<Pass> large;  // one molecule each
  bool together = false;    // all threads on each of the shared ones, rather than each its own
};

bool is_large(const Model& model, const Features& molecule) {
  const Architecture& a = model.card().architecture;
  const AttentionShape shape{molecule.length(), a.width, a.heads};
  return shape.pair_size() * sizeof(float) > large_pair_bytes;
}

// As many as there are full ones, or a few more, so that every thread has as many as the others.
size_t count_passes(size_t tokens, size_t threads) {
  const size_t full = (tokens + tokens_per_pass - 1) / tokens_per_pass;
  const size_t even = (full + threads - 1) / threads * threads;
  return std::clamp<size_t>(tokens / row_tile, 1, even);
}

// Consecutive molecules with equal parts of all tokens.
Plan plan_passes(const Model& model, std::span<const Features* const> molecules,
                 const EncoderRun& run) {
  size_t all_tokens = 0;
  for (const Features* m : molecules) all_tokens += m->length();
  const size_t threads = std::max(1, run.threads);
  const bool few = all_tokens < threads * row_tile;
  const size_t passes = few ? 1 : count_passes(all_tokens, threads);
  const double part = static_cast<double>(all_tokens) / static_cast<double>(passes);
  const size_t most_molecules = run.batch_size > 0 ? run.batch_size : molecules.size();
  Plan plan;
  double seen = 0, end = 0;  // tokens before the molecule, and where the last shared pass ends
  bool open = false;         // whether it takes more
  for (size_t i = 0; i < molecules.size(); seen += molecules[i++]->length()) {
    if (is_large(model, *molecules[i])) {
      plan.large.push_back({i, 1});
      open = false;
      continue;
    }
    const double middle = seen + molecules[i]->length() / 2.;
    if (!open || middle > end || plan.shared.back().count >= most_molecules) {
      plan.shared.push_back({i, 0});
      end = std::max(end, seen) + part;
      open = true;
    }
    ++plan.shared.back().count;
  }
  plan.together = few || plan.shared.size() < threads;
  return plan;
}

void run_pass(const Model& model, std::span<const Features* const> molecules, const EncoderRun& run,
              Pass pass, Team& team) try {
  const size_t width = model.card().architecture.width;
  const auto batch = molecules.subspan(pass.first, pass.count);
  for (size_t encoder = 0; encoder < model.encoders(); ++encoder) {
    const float* rows = model.encoder(encoder).forward(team, batch, run.rows);
    for (size_t m = 0; m < batch.size(); ++m) {
      run.consume(pass.first + m, encoder, rows);
      rows += (run.rows == Encoder::Rows::cls ? 1 : batch[m]->length()) * width;
    }
  }
} catch (const std::bad_alloc&) {
  team = Team(team.size(), run.precision);
  if (pass.count == 1) return run.failed(pass.first);
  for (size_t i = 0; i < pass.count; ++i)
    run_pass(model, molecules, run, {pass.first + i, 1}, team);
}

// Told of every molecule that is done; on the calling thread that may stop the run.
class Progress {
 public:
  Progress(const EncoderRun& run, size_t all) : run_(run), all_(all) {}
  void add(size_t molecules) { done_ += molecules; }
  void tell() const {
    if (run_.progress && run_.progress(done_))
      fail(MOLRT_ERROR_CANCELLED, "stopped after {} of {} molecules", done_.load(), all_);
  }

 private:
  const EncoderRun& run_;
  size_t all_;
  std::atomic<size_t> done_{0};
};

// Each thread its own passes.
void run_beside(const Model& model, std::span<const Features* const> molecules,
                const EncoderRun& run, std::span<const Pass> passes, Progress& progress) {
  std::vector<Team> teams;
  for (int i = 0; i < std::max(1, run.threads); ++i) teams.emplace_back(1, run.precision);
  parallel_for(
      run.threads, passes.size(),
      [&](size_t p, int worker) {
        run_pass(model, molecules, run, passes[p], teams[worker]);
        progress.add(passes[p].count);
        if (worker == 0) progress.tell();
      },
      [&] { progress.tell(); });
}

// All threads on each.
void run_together(const Model& model, std::span<const Features* const> molecules,
                  const EncoderRun& run, std::span<const Pass> passes, Progress& progress) {
  for (const Pass& pass : passes) {
    // Its memory is not kept: it may be large.
    Team team(std::max(1, run.threads), run.precision);
    run_pass(model, molecules, run, pass, team);
    progress.add(pass.count);
    progress.tell();
  }
}

}  // namespace

void run_encoder(const Model& model, std::span<const Features* const> molecules,
                 const EncoderRun& run) {
  const Plan plan = plan_passes(model, molecules, run);
  Progress progress(run, molecules.size());
  for (size_t encoder = 0; encoder < model.encoders(); ++encoder)
    model.encoder(encoder).pack(run.threads, run.precision);
  const auto run_shared = plan.together ? run_together : run_beside;
  run_shared(model, molecules, run, plan.shared, progress);
  run_together(model, molecules, run, plan.large, progress);
  if (!molecules.empty()) progress.tell();
}

}  // namespace molrt
