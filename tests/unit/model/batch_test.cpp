#include "model/batch.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cmath>
#include <map>

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

// Methanol without its hydrogens.
const char* const structure =
    "\n\n\n  2  1  0  0  0  0            999 V2000\n"
    "    0.0000    0.0000    0.0000 C   0  0\n    0.0000    1.4000    0.1000 O   0  0\n"
    "  1  2  1  0\nM  END\n";

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

// ---- several conformers ----

const char* const butanol = "CCCCO";

std::vector<float> embedded_alone(const std::string& smiles, int seed, bool flat = false) {
  ConformerOptions options;
  options.seed = seed;
  Batch batch{options, {1, flat, false}};
  batch.add_text(smiles);
  return embed(batch, small_model(Hydrogens::all));
}

TEST(Batch, TheMeanOfConformersIsTheirMean) {
  ConformerOptions options;
  options.seed = 5;  // 0 and 1 are one seed to RDKit
  Batch batch{options, {3, true, false}};
  batch.add_text(butanol);
  const auto mean = embed(batch, small_model(Hydrogens::all));
  const auto first = embedded_alone(butanol, 5), second = embedded_alone(butanol, 6),
             flat = embedded_alone(butanol, 0, true);
  EXPECT_NE(first, second);
  EXPECT_NE(first, flat);
  for (size_t i = 0; i < mean.size(); ++i)
    EXPECT_EQ(mean[i], static_cast<float>((double{first[i]} + second[i] + flat[i]) / 3));
  const RowState row = batch.row(0);
  EXPECT_EQ(row.conformers, 3);
  EXPECT_EQ(row.source, MOLRT_SOURCE_ETKDG_MMFF);  // the drawing was asked for
  EXPECT_EQ(batch.conformer(0, 1).coordinates[2] != 0, true);
  for (size_t z = 2; z < batch.conformer(0, 2).coordinates.size(); z += 3)
    EXPECT_EQ(batch.conformer(0, 2).coordinates[z], 0);
}

TEST(Batch, ADrawingAloneSaysSo) {
  Batch batch{ConformerOptions{}, {1, true, false}};
  batch.add_text(butanol);
  batch.compute_conformers({});
  EXPECT_EQ(batch.row(0).source, MOLRT_SOURCE_2D);
}

TEST(Batch, MeansDoNotDependOnThreadsBatchesOrOrder) {
  std::vector<std::string> smiles = {butanol, "c1ccccc1O", "bad", "CC(=O)NCC", "OCC(O)CO"};
  const Model model = small_model(Hydrogens::all);
  const auto rows = [&](int threads, int batch_size, const std::vector<std::string>& texts) {
    Batch batch{ConformerOptions{}, {5, true, false}};
    for (const auto& text : texts) batch.add_text(text);
    RunOptions options;
    options.threads = threads;
    options.batch_size = batch_size;
    const auto cls = embed(batch, model, options);
    std::map<std::string, std::vector<float>> found;
    for (size_t r = 0; r < texts.size(); ++r)
      if (texts[r] != "bad") found[texts[r]] = {cls.begin() + 16 * r, cls.begin() + 16 * (r + 1)};
    return found;
  };
  const auto expected = rows(1, 0, smiles);
  std::vector<std::string> reversed(smiles.rbegin(), smiles.rend());
  for (int threads : {1, 2, 4})
    for (int batch_size : {0, 1, 3}) {
      EXPECT_EQ(rows(threads, batch_size, smiles), expected) << threads << " " << batch_size;
      EXPECT_EQ(rows(threads, batch_size, reversed), expected) << threads << " " << batch_size;
    }
}

TEST(Batch, GivenAtomsAreOneConformerWhateverTheCount) {
  Batch several{ConformerOptions{}, {7, true, false}}, one{ConformerOptions{}};
  for (Batch* batch : {&several, &one}) {
    batch->add_atoms({"C", "O"}, {0, 0, 0, 0, 0, 1.2});
    batch->add_text({structure, TextFormat::mol_block});
    batch->add_text("C1CC");
  }
  EXPECT_EQ(embed(several, small_model(Hydrogens::none))[0],
            embed(one, small_model(Hydrogens::none))[0]);
  for (size_t row : {0, 1}) {
    EXPECT_EQ(several.row(row).source, MOLRT_SOURCE_GIVEN);
    EXPECT_EQ(several.row(row).conformers, 1);
  }
  EXPECT_EQ(several.row(2).status, MOLRT_ROW_INVALID_SMILES);
  EXPECT_EQ(several.row(2).conformers, 0);
}

TEST(Batch, AStructuresHydrogensAreFlaggedAsTheModelReadsThem) {
  Batch batch{ConformerOptions{}};
  batch.add_text({structure, TextFormat::mol_block});  // C and O, none of their hydrogens
  batch.compute_conformers({});
  EXPECT_EQ(batch.row(0).flags, MOLRT_FLAG_HYDROGENS_ADDED);
  batch.prepare(small_model(Hydrogens::all), {});
  EXPECT_EQ(batch.row(0).flags, MOLRT_FLAG_HYDROGENS_ADDED);
  EXPECT_EQ(batch.row(0).model_atoms, 6);
  EXPECT_EQ(batch.model_atoms(0), (std::vector<int32_t>{0, 1, -1, -1, -1, -1}));
  batch.prepare(small_model(Hydrogens::none), {});
  EXPECT_EQ(batch.row(0).flags, 0u);
  EXPECT_EQ(batch.row(0).model_atoms, 2);
}

TEST(Batch, SeveralModelsShareConformersBitForBit) {
  Batch batch{ConformerOptions{}, {3, false, false}};
  for (const char* smiles : {butanol, "CCO", "CCCCCCCCCCCCCCCC"}) batch.add_text(smiles);
  size_t made = 0;
  RunOptions options;
  options.progress = [&](int stage, size_t done, size_t total) {
    if (stage == MOLRT_STAGE_CONFORMERS && done == total) made += total;
    return false;
  };
  RunOptions small = options;
  small.max_atoms = 20;
  batch.prepare(small_model(Hydrogens::all), small);
  EXPECT_EQ(batch.row(2).status, MOLRT_ROW_TOO_LARGE);
  const auto before = batch.conformer(0, 1).coordinates;
  made = 0;
  batch.prepare(small_model(Hydrogens::none), options);
  EXPECT_EQ(batch.conformer(0, 1).coordinates, before);
  EXPECT_EQ(batch.row(2).status, MOLRT_ROW_OK);
  const auto long_one = batch.conformer(2, 2).coordinates;
  made = 0;
  batch.prepare(small_model(Hydrogens::all), options);
  EXPECT_EQ(made, 0u);
  EXPECT_EQ(batch.conformer(2, 2).coordinates, long_one);
  EXPECT_EQ(batch.row(2).conformers, 3);
}

TEST(Batch, AStopReachesIntoSeveralConformers) {
  Batch batch{ConformerOptions{}, {11, true, true}};
  batch.add_text(butanol);
  RunOptions options;
  options.threads = 2;
  size_t calls = 0;
  options.progress = [&](int, size_t, size_t) { return ++calls > 1; };
  EXPECT_THROW(batch.compute_conformers(options), Error);
  EXPECT_EQ(batch.row(0).status, MOLRT_ROW_PENDING);
  EXPECT_EQ(batch.conformers(0), 0u);
  batch.compute_conformers({});
  EXPECT_EQ(batch.row(0).conformers, 11);
}

TEST(Batch, TimeLimitsAreEachConformers) {
  ConformerOptions options;
  options.time_limit = 1e-9;
  Batch batch{options, {3, true, false}};
  batch.add_text(butanol);
  batch.compute_conformers({});
  EXPECT_EQ(batch.row(0).status, MOLRT_ROW_TIMEOUT);
  EXPECT_NE(batch.message(0).find("time limit"), std::string::npos);
}

// ---- canonical ----

TEST(Batch, CanonicalTextsGiveTheSameBytes) {
  const std::vector<std::string> texts = {"OCCCC", butanol, "C(CCC)O", "[H]OCCCC", "C1CC", butanol};
  Batch batch{ConformerOptions{}, {2, false, true}};
  for (const auto& text : texts) batch.add_text(text);
  EXPECT_EQ(batch.row(0).status, MOLRT_ROW_PENDING);
  size_t made = 0;
  RunOptions options;
  options.threads = 2;
  options.progress = [&](int stage, size_t done, size_t total) {
    if (stage == MOLRT_STAGE_CONFORMERS && done == total) made = total;
    return false;
  };
  const Model model = small_model(Hydrogens::all);
  const auto cls = embed(batch, model, options);
  EXPECT_EQ(made, 4u);  // two of butanol, two of what is none
  for (size_t r : {1, 2, 3, 5})
    EXPECT_TRUE(std::equal(cls.begin(), cls.begin() + 16, cls.begin() + 16 * r)) << r;
  EXPECT_EQ(batch.row(4).status, MOLRT_ROW_INVALID_SMILES);
  EXPECT_NE(batch.message(4).find("C1CC"), std::string::npos);
  const auto heavy = [&](size_t row) {
    const auto index = batch.model_atoms(row);
    return std::vector<int32_t>(index.begin(), index.begin() + 5);
  };
  EXPECT_EQ(heavy(0), (std::vector<int32_t>{4, 3, 2, 1, 0}));
  EXPECT_EQ(heavy(1), (std::vector<int32_t>{0, 1, 2, 3, 4}));
  EXPECT_EQ(heavy(2), (std::vector<int32_t>{3, 2, 1, 0, 4}));
  EXPECT_EQ(batch.model_atoms(3).back(), 0);  // the hydroxyl's hydrogen, written first
  batch.add_text("CC(C)CO");
  batch.add_text("OCCCC");
  const auto more = embed(batch, model, options);
  EXPECT_TRUE(std::equal(cls.begin(), cls.begin() + 16, more.begin() + 16 * 7));
  EXPECT_EQ(made, 2u);
}

}  // namespace
}  // namespace molrt
