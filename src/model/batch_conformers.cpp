// The batch's texts -> molecules -> conformers.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>

#include "base/parallel.h"
#include "cache/conformer_cache.h"
#include "chem/canonical.h"
#include "model/batch.h"

namespace molrt {
namespace {

// Molecules whose size stopped them may fit another limit.
bool needs_conformer(const ConformerResult& result, bool same_limit) {
  if (result.status == MOLRT_ROW_TOO_LARGE) return !same_limit;
  return result.status == MOLRT_ROW_PENDING;
}

// Whether every attempt at the molecule would end so: RDKit's random numbers had no part in it.
bool is_settled(const ConformerResult& result) {
  switch (result.status) {
    case MOLRT_ROW_OK:
      return result.source == MOLRT_SOURCE_GIVEN;
    case MOLRT_ROW_EMPTY:
    case MOLRT_ROW_INVALID_SMILES:
    case MOLRT_ROW_INVALID_MOL_BLOCK:
    case MOLRT_ROW_BAD_COORDINATES:
    case MOLRT_ROW_TOO_LARGE:
      return true;
    default:
      return false;
  }
}

}  // namespace

void Batch::make_canonical(const RunOptions& run) {
  std::vector<Text*> waiting;
  for (Text& text : texts_)
    if (!text.molecule) waiting.push_back(&text);
  std::vector<CanonicalForm> forms(waiting.size());
  Watch watch(run.progress, MOLRT_STAGE_CONFORMERS, waiting.size());
  parallel_for(
      run.threads, waiting.size(),
      [&](size_t i, int worker) {
        forms[i] = canonical_form(waiting[i]->given);
        if (worker == 0) watch.tell_or_cancel();
      },
      [&] { watch.tell_or_cancel(); });
  for (size_t i = 0; i < waiting.size(); ++i) {
    const auto known = known_molecules_.find(forms[i].text);
    size_t index;
    if (known != known_molecules_.end()) {
      index = known->second;
    } else {
      Molecule molecule;
      molecule.text = forms[i].text;
      index = append_molecule(std::move(molecule));
      known_molecules_.emplace(std::move(forms[i].text), index);
    }
    waiting[i]->input_index = std::move(forms[i].input_index);
    give_molecule(*waiting[i], index);
  }
}

void Batch::compute_conformers(const RunOptions& options) {
  compute_missing({options_.max_atoms, false}, options);
}

// What compute_missing() does: from the cache what is there, by RDKit the rest.
class Batch::Making {
 public:
  Making(Batch& batch, SizeLimit limit, const RunOptions& run)
      : batch_(batch),
        options_(options_by_number(batch, limit)),
        attempts_(batch.begin_attempts(limit)),
        threads_(run.threads),
        watch_(run.progress, MOLRT_STAGE_CONFORMERS, attempts_.size()),
        cache_(attempts_.empty() ? nullptr : run.cache.get()),
        settled_(batch.molecules_.size()) {}

  void run() {
    find_known();
    try {
      make_others();
    } catch (...) {
      keep_finished();
      throw;
    }
    keep_finished();
    if (watch_.total() > 0) watch_.tell_or_cancel();
  }

 private:
  static std::vector<ConformerOptions> options_by_number(const Batch& batch, SizeLimit limit) {
    std::vector<ConformerOptions> list(batch.sampling_.count, batch.options_);
    for (size_t number = 0; number < list.size(); ++number) {
      list[number].max_atoms = limit.atoms;
      list[number].heavy_atoms_only = limit.heavy_atoms_only;
      list[number].seed += static_cast<int>(number);
    }
    list.back().flat = batch.sampling_.last_flat;
    return list;
  }

  ConformerResult& result(const Attempt& attempt) {
    return batch_.molecules_[attempt.molecule].attempts[attempt.number];
  }
  WantedConformer wanted(const Attempt& attempt) const {
    return {&batch_.molecules_[attempt.molecule].text, &options_[attempt.number]};
  }

  void find_known() {
    std::vector<WantedConformer> all;
    for (const Attempt& attempt : attempts_) all.push_back(wanted(attempt));
    cache_.find(all, [&](size_t i, ConformerResult known) {
      result(attempts_[i]) = std::move(known);
      watch_.count_one();
      if (watch_.stops(0)) watch_.tell_or_cancel();
    });
    std::erase_if(attempts_, [&](const Attempt& attempt) {
      return result(attempt).status != MOLRT_ROW_PENDING;
    });
  }

  void make_others() {
    parallel_for(
        threads_, attempts_.size(),
        [&](size_t i, int worker) {
          make(attempts_[i], worker);
          finish(i, worker);
        },
        [&] { watch_.tell_or_cancel(); });
  }

  // The first attempt is always made: it stands for all.
  void make(const Attempt& attempt, int worker) {
    std::atomic<bool>& settled = settled_[attempt.molecule];
    if (attempt.number > 0 && settled) return;
    const WantedConformer what = wanted(attempt);
    ConformerOptions own = *what.options;
    own.stop = [&, worker] { return watch_.stops(worker); };
    result(attempt) = make_conformer(*what.text, own);
    if (is_settled(result(attempt))) settled = true;
  }

  void finish(size_t i, int worker) {
    {
      const std::lock_guard lock(mutex_);
      finished_.push_back(i);
    }
    watch_.count_one();
    if (worker != 0) return;
    if (Clock::now() - last_kept_ > seconds_between_writes) keep_finished();
    watch_.tell_or_cancel();
  }

  // By the calling thread, while the others go on.
  void keep_finished() {
    std::vector<size_t> finished;
    {
      const std::lock_guard lock(mutex_);
      finished.swap(finished_);
    }
    for (const size_t i : finished) cache_.add(wanted(attempts_[i]), result(attempts_[i]));
    cache_.write();
    last_kept_ = Clock::now();
  }

  // What a process that is killed loses at most.
  static constexpr auto seconds_between_writes = std::chrono::seconds(2);

  using Clock = std::chrono::steady_clock;
  Batch& batch_;
  std::vector<ConformerOptions> options_;  // [conformers a molecule]
  std::vector<Attempt> attempts_;
  int threads_;
  Watch watch_;
  CacheSession cache_;
  std::vector<std::atomic<bool>> settled_;  // [molecules]: all attempts would end like the first
  std::mutex mutex_;                        // of finished_
  std::vector<size_t> finished_;            // of attempts_, not yet offered to the cache
  Clock::time_point last_kept_ = Clock::now();
};

// Empties the attempts that are to be made.
std::vector<Batch::Attempt> Batch::begin_attempts(SizeLimit limit) {
  std::vector<Attempt> missing;
  for (size_t i = 0; i < molecules_.size(); ++i) {
    Molecule& m = molecules_[i];
    const bool same = m.limit == limit;
    const auto needed = [&](const ConformerResult& r) { return needs_conformer(r, same); };
    if (m.attempts.empty() || (m.attempts.size() == 1 && needed(m.attempts[0])))
      m.attempts.assign(sampling_.count, {});
    if (std::none_of(m.attempts.begin(), m.attempts.end(), needed)) continue;
    m.limit = limit;
    m.features.clear();
    for (int k = 0; k < sampling_.count; ++k)
      if (needed(m.attempts[k])) {
        m.attempts[k] = {};
        missing.push_back({i, k});
      }
  }
  return missing;
}

void Batch::compute_missing(SizeLimit limit, const RunOptions& run) {
  make_canonical(run);
  Making(*this, limit, run).run();
  for (Molecule& m : molecules_)
    if (is_settled(m.attempts[0])) m.attempts.resize(1);
}

}  // namespace molrt
