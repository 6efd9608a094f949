#include "model/batch.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cmath>

#include "base/error.h"
#include "model/initialise.h"

namespace molrt {
namespace {

Model small_model(Hydrogens hydrogens) {
  Architecture a = official_architecture(PairKernel::gaussian);
  a.layers = 1;
  a.width = 16;
  a.ffn = 16;
  a.heads = 2;
  return initialise_model(a, hydrogens, TokenLayout::file_order, 1);
}

std::vector<float> embed(Batch& batch, const Model& model, const RunOptions& options = {}) {
  std::vector<float> cls(batch.size() * 16);
  batch.embed(model, options, cls.data(), nullptr, 0);
  return cls;
}

TEST(Batch, TheSameSmilesIsComputedOnceAndGivesTheSameRow) {
  Batch batch{ConformerOptions{}};
  for (const char* smiles : {"CCO", "c1ccccc1", "CCO", "bad", "CCO"}) batch.add_text(smiles);
  size_t computed = 0;
  RunOptions options;
  options.progress = [&](int stage, size_t, size_t total) {
    if (stage == MOLRT_STAGE_CONFORMERS) computed = total;
    return false;
  };
  const auto cls = embed(batch, small_model(Hydrogens::all), options);
  EXPECT_EQ(computed, 3u);
  const auto row = [&](size_t r) {
    return std::vector<float>(cls.begin() + 16 * r, cls.begin() + 16 * (r + 1));
  };
  EXPECT_EQ(row(0), row(2));
  EXPECT_EQ(row(0), row(4));
  EXPECT_NE(row(0), row(1));
  EXPECT_TRUE(std::isnan(row(3)[0]));
}

TEST(Batch, TooLargeForOneModelIsNotTooLargeForAnother) {
  Batch batch{ConformerOptions{}};
  batch.add_text("CCO");  // 9 atoms, 3 of them not hydrogen
  RunOptions options;
  options.max_atoms = 5;
  batch.prepare(small_model(Hydrogens::all), options);
  EXPECT_EQ(batch.row(0).status, MOLRT_ROW_TOO_LARGE);
  batch.prepare(small_model(Hydrogens::none), options);
  EXPECT_EQ(batch.row(0).status, MOLRT_ROW_OK);
  EXPECT_EQ(batch.row(0).model_atoms, 3);
  batch.prepare(small_model(Hydrogens::all), {});
  EXPECT_EQ(batch.row(0).model_atoms, 9);
  options.crop = true;
  batch.prepare(small_model(Hydrogens::all), options);
  EXPECT_EQ(batch.row(0).model_atoms, 5);
  EXPECT_EQ(batch.row(0).flags, MOLRT_FLAG_CROPPED);
}

// In a process of its own, so that its memory can be limited.
TEST(Batch, AMoleculeWithoutMemoryForItLosesNoOtherRow) {
  const Model model = small_model(Hydrogens::all);
  const pid_t child = fork();
  if (child == 0) {
    Batch batch{ConformerOptions{}};
    batch.add_text("CCO");
    std::vector<double> line(3 * 30000);
    for (size_t i = 0; i < line.size(); ++i) line[i] = static_cast<double>(i);
    batch.add_atoms(std::vector<std::string>(30000, "C"), line);  // pair matrices of 7 GB
    batch.add_text("CC");
    const rlimit limit{rlim_t{4} << 30, rlim_t{4} << 30};
    setrlimit(RLIMIT_AS, &limit);
    RunOptions options;
    options.max_atoms = 40000;
    try {
      const auto cls = embed(batch, model, options);
      const bool right = batch.row(0).status == MOLRT_ROW_OK && std::isfinite(cls[0]) &&
                         batch.row(1).status == MOLRT_ROW_OUT_OF_MEMORY && std::isnan(cls[16]) &&
                         batch.row(2).status == MOLRT_ROW_OK && std::isfinite(cls[32]);
      _exit(right ? 0 : 1);
    } catch (...) {
      _exit(2);
    }
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
#if !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__)  // whose shadows need more memory
  EXPECT_EQ(WEXITSTATUS(status), 0);
#endif
}

// C60 keeps RDKit busy for many seconds; a stop must not wait for it, whichever worker has it.
TEST(Batch, AStopReachesIntoAMolecule) {
  using Clock = std::chrono::steady_clock;
  for (int threads : {1, 2}) {
    Batch batch{ConformerOptions{}};
    batch.add_text("C");
    batch.add_text(
        "c12c3c4c5c1c1c6c7c2c2c8c3c3c9c4c4c%10c5c5c1c1c6c6c%11c7c2c2c7c8c3c3c8c9c4c4c9c%"
        "10c5c5c1c1c6c"
        "6c%11c2c2c7c3c3c8c4c4c9c5c1c1c6c2c3c41");
    RunOptions options;
    options.threads = threads;
    const auto start = Clock::now();
    options.progress = [&](int, size_t, size_t) {
      return Clock::now() - start > std::chrono::milliseconds(300);
    };
    EXPECT_THROW(batch.compute_conformers(options), Error);
    EXPECT_LT(Clock::now() - start, std::chrono::seconds(5));
    EXPECT_EQ(batch.row(1).status, MOLRT_ROW_PENDING);
  }
}

}  // namespace
}  // namespace molrt
