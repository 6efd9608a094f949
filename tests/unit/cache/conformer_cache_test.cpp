#include "cache/conformer_cache.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>

#include "base/error.h"
#include "model/batch.h"
#include "support/temporary.h"

namespace molrt {
namespace {

namespace fs = std::filesystem;
using State = ConformerCache::State;

const std::vector<std::string> molecules = {
    "CCO", "c1ccccc1", "bad", "CC(=O)O", "", "C[C@H](N)C(=O)O", "[H]OC", "*CC", "CCO", "O=C=O"};

// All that rows say of their conformers.
std::string described(const Batch& batch) {
  std::string text;
  for (size_t row = 0; row < batch.size(); ++row) {
    const RowState state = batch.row(row);
    text += fmt::format("{} {} {} {} {}\n", state.status, state.source, state.flags,
                        state.conformers, batch.message(row));
    for (size_t k = 0; k < batch.conformers(row); ++k) {
      const Conformer& c = batch.conformer(row, k);
      for (const float x : c.coordinates) text += fmt::format("{:a} ", x);
      for (const int z : c.atomic_numbers) text += fmt::format("{} ", z);
    }
    for (const int32_t i : batch.input_index(row)) text += fmt::format("{} ", i);
  }
  return text;
}

class ConformerCacheTest : public testing::Test {
 protected:
  test::TemporaryDirectory directory_;
  const std::string path_ = directory_.path("cache.sqlite");
  std::vector<std::string> warnings_;

  std::shared_ptr<ConformerCache> cache(uint64_t bytes = usual_cache_bytes) {
    return std::make_shared<ConformerCache>(
        path_, bytes, [this](const std::string& text) { warnings_.push_back(text); });
  }
  static std::string made(std::shared_ptr<ConformerCache> cache, Sampling sampling = {},
                          ConformerOptions options = {}, RunOptions run = {}) {
    Batch batch(std::move(options), sampling);
    for (const std::string& smiles : molecules) batch.add_text(smiles);
    run.cache = std::move(cache);
    if (!run.progress) run.threads = 2;
    batch.compute_conformers(run);
    return described(batch);
  }
};

TEST_F(ConformerCacheTest, GivesTheSameBytes) {
  for (const Sampling sampling : {Sampling{}, Sampling{3, true, false}, Sampling{2, false, true}})
    for (const bool peer : {false, true}) {
      ConformerOptions options;
      options.peer_ladder = peer;
      const std::string without = made(nullptr, sampling, options);
      EXPECT_EQ(made(cache(), sampling, options), without);
      const auto warm = cache();
      EXPECT_EQ(made(warm, sampling, options), without);
      EXPECT_EQ(warm->built(), 0u);
      EXPECT_EQ(warm->found(), 7u * sampling.count);
    }
  EXPECT_TRUE(warnings_.empty());
}

TEST_F(ConformerCacheTest, OtherSettingsAreOtherConformers) {
  made(cache());
  ConformerOptions other;
  other.seed = 7;
  const auto cold = cache();
  EXPECT_EQ(made(cold, {}, other), made(nullptr, {}, other));
  EXPECT_EQ(cold->found(), 0u);
}

TEST_F(ConformerCacheTest, ALimitOfSizeRefusesWhatIsThere) {
  made(cache());
  ConformerOptions small;
  small.max_atoms = 8;
  const auto warm = cache();
  EXPECT_EQ(made(warm, {}, small), made(nullptr, {}, small));
  EXPECT_GT(warm->found(), 0u);
  EXPECT_LT(warm->found(), 7u);
}

// Timeouts depend on the moment.
TEST_F(ConformerCacheTest, ATimeoutIsNotKept) {
  ConformerOptions hasty;
  hasty.time_limit = 1e-9;
  made(cache(), {}, hasty);
  const auto cold = cache();
  EXPECT_EQ(made(cold), made(nullptr));
  EXPECT_EQ(cold->found(), 0u);
}

TEST_F(ConformerCacheTest, AStoppedRunKeepsWhatItHadMade) {
  RunOptions run;
  run.progress = [](int, size_t done, size_t) { return done >= 3; };
  EXPECT_THROW(made(cache(), {}, {}, run), Error);
  const auto warm = cache();
  made(warm);
  EXPECT_GE(warm->found(), 1u);
}

TEST_F(ConformerCacheTest, WhatIsNoCacheIsToldOnce) {
  std::ofstream(path_) << "smiles\nCCO\n";
  const auto useless = cache();
  EXPECT_EQ(made(useless), made(nullptr));
  made(useless);
  EXPECT_EQ(useless->state(), State::lost);
  ASSERT_EQ(warnings_.size(), 1u);
  EXPECT_NE(warnings_[0].find(path_), std::string::npos);
  EXPECT_EQ(fs::file_size(path_), 11u);
}

TEST_F(ConformerCacheTest, ADirectoryThatIsNotThereIsToldOnce) {
  const auto useless = std::make_shared<ConformerCache>(
      "/no/such/directory/c.sqlite", usual_cache_bytes,
      [this](const std::string& text) { warnings_.push_back(text); });
  EXPECT_EQ(made(useless), made(nullptr));
  made(useless);
  EXPECT_EQ(warnings_.size(), 1u);
}

TEST_F(ConformerCacheTest, DamageWithinIsToldAndTheFileFilledAnew) {
  made(cache());
  std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(4096);
  file << std::string(fs::file_size(path_) - 4096, '\xa5');
  file.close();
  EXPECT_EQ(made(cache()), made(nullptr));
  EXPECT_EQ(warnings_.size(), 1u);
  const auto warm = cache();
  made(warm);
  EXPECT_EQ(warm->found(), 7u);
  EXPECT_EQ(warnings_.size(), 1u);
}

// In a process of its own, whose files can be limited.
TEST_F(ConformerCacheTest, AFullDiskLosesNothing) {
  const std::string expected = made(nullptr);
  made(cache());  // so that there is something to read
  const pid_t child = fork();
  if (child == 0) {
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{8192, 8192};
    setrlimit(RLIMIT_FSIZE, &limit);
    ConformerOptions other;
    other.seed = 1;
    const auto full = cache();
    const bool right = made(full) == expected &&
                       made(full, {}, other) == made(nullptr, {}, other) && warnings_.size() == 1 &&
                       full->state() != State::in_use;
    _exit(right ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  const auto warm = cache();
  EXPECT_EQ(made(warm), expected);
  EXPECT_EQ(warm->found(), 7u);
}

TEST_F(ConformerCacheTest, ATinyLimitHolds) {
  for (int seed = 0; seed < 60; seed += 20) {
    ConformerOptions options;
    options.seed = seed;
    EXPECT_EQ(made(cache(smallest_cache), {20, false, false}, options),
              made(nullptr, {20, false, false}, options));
    EXPECT_LE(fs::file_size(path_), smallest_cache);
  }
}

// A child that is forked in the middle of a run, as in a progress callback, leaves the file alone.
TEST_F(ConformerCacheTest, AChildOfARunDoesWithout) {
  int child_status = -1;
  RunOptions run;
  run.progress = [&](int, size_t, size_t) {
    if (child_status >= 0) return false;
    const pid_t child = fork();
    if (child == 0) {
      const auto own = cache();
      made(own);
      _exit(own->state() == State::lost ? 0 : 1);
    }
    waitpid(child, &child_status, 0);
    return false;
  };
  EXPECT_EQ(made(cache(), {}, {}, run), made(nullptr));
  EXPECT_EQ(child_status, 0);
}

TEST_F(ConformerCacheTest, FactsAndClearing) {
  EXPECT_EQ(conformer_cache_facts(path_).entries, 0u);
  clear_conformer_cache(path_);
  EXPECT_FALSE(fs::exists(path_));
  made(cache());
  EXPECT_EQ(conformer_cache_facts(path_).entries, 7u);
  EXPECT_GT(conformer_cache_facts(path_).bytes, 4096u);
  clear_conformer_cache(path_);
  EXPECT_EQ(conformer_cache_facts(path_).entries, 0u);
}

}  // namespace
}  // namespace molrt
