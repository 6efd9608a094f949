// Pre-training from outside: what is added and left out, the order of calls, and stopping.
#include <filesystem>

#include "support.h"

namespace molrt::abi {
namespace {

const char* const archive = MOLRT_TEST_DATA "/geometries.npz";
constexpr uint64_t archive_molecules = 20;

std::string report_of(const molrt_pretraining* pretraining) {
  size_t needed = 0;
  must(molrt_pretraining_get_report(pretraining, nullptr, 0, &needed));
  std::string text(needed, '\0');
  must(molrt_pretraining_get_report(pretraining, text.data(), needed, &needed));
  return text;
}

class PretrainingTest : public testing::Test {
 protected:
  molrt_added add_archive(molrt_pretraining* pretraining) const {
    auto added = initialised(molrt_added_init);
    must(molrt_pretraining_add_archive(pretraining, archive, nullptr, &added));
    return added;
  }
  molrt_added add(molrt_pretraining* pretraining, const std::vector<std::string>& smiles) const {
    const Batch batch = new_batch(context_.get(), smiles);
    must(molrt_batch_compute_conformers(context_.get(), batch.get(), nullptr));
    auto added = initialised(molrt_added_init);
    must(molrt_pretraining_add_batch(pretraining, batch.get(), nullptr, 0, &added));
    return added;
  }

  Context context_ = new_context();
  Model start_ = small_model(context_.get());
  Pretraining pretraining_ = new_pretraining(context_.get(), start_.get());
  molrt_pretraining* const p_ = pretraining_.get();
};

TEST_F(PretrainingTest, AnArchiveAndABatch) {
  EXPECT_EQ(add_archive(p_).used, archive_molecules);
  const auto added = add(p_, {"CCO", "C1CC", "CCCl"});
  EXPECT_EQ(added.used, 2u);
  EXPECT_EQ(added.unusable, 1u);
  must(molrt_pretraining_run(p_, nullptr));
  molrt_model* made = nullptr;
  must(molrt_pretraining_get_model(p_, &made));
  const Model model(made);
  EXPECT_EQ(info_of(model.get()).width, info_of(start_.get()).width);
  const std::string report = report_of(p_);
  EXPECT_NE(report.find("\"name\":\"geometries.npz\""), std::string::npos) << report;
  EXPECT_NE(report.find("\"used\":2,\"excluded\":0,\"unusable\":1"), std::string::npos) << report;
}

TEST_F(PretrainingTest, TheReportTellsWhyAMoleculeIsUnusable) {
  add_archive(p_);
  add(p_, {"C1CC"});
  must(molrt_pretraining_run(p_, nullptr));
  const std::string report = report_of(p_);
  EXPECT_NE(report.find("\"first_unusable\":"), std::string::npos) << report;
  EXPECT_NE(report.find("C1CC"), std::string::npos) << report;
}

TEST_F(PretrainingTest, RowsWithoutConformersAreUnusable) {
  const Batch batch = new_batch(context_.get(), {"CCO", "CC"});
  auto added = initialised(molrt_added_init);
  must(molrt_pretraining_add_batch(p_, batch.get(), nullptr, 0, &added));
  EXPECT_EQ(added.used, 0u);
  EXPECT_EQ(added.unusable, 2u);
}

TEST_F(PretrainingTest, ExcludedInAllStereoisomers) {
  must(molrt_pretraining_exclude(p_, "C[C@H](N)O"));
  const auto added = add(p_, {"C[C@@H](O)N", "CC(O)N", "[13CH3]C(O)N", "CCO"});
  EXPECT_EQ(added.excluded, 3u);
  EXPECT_EQ(added.used, 1u);
  EXPECT_EQ(molrt_pretraining_exclude(p_, "CC"), MOLRT_ERROR_STATE) << "after molecules were added";
}

TEST_F(PretrainingTest, MoleculesWithoutSmilesCannotBeExcluded) {
  const Batch batch = new_batch(context_.get(), {});
  const char* const carbon = "C";
  const double origin[3] = {};
  must(molrt_batch_add_atoms(batch.get(), &carbon, origin, 1));
  must(molrt_batch_compute_conformers(context_.get(), batch.get(), nullptr));
  must(molrt_pretraining_exclude(p_, "CC"));
  EXPECT_EQ(molrt_pretraining_add_batch(p_, batch.get(), nullptr, 0, nullptr),
            MOLRT_ERROR_INVALID_ARGUMENT);
}

TEST_F(PretrainingTest, AnArchiveThatBreaksOffAddsNothing) {
  EXPECT_EQ(molrt_pretraining_add_archive(p_, MOLRT_TEST_DATA "/geometries_left_over.npz", nullptr,
                                          nullptr),
            MOLRT_ERROR_FORMAT);
  const std::string error = molrt_last_error();
  EXPECT_NE(error.find("geometries_left_over.npz: array 'Z': 1 atoms"), std::string::npos) << error;
  EXPECT_EQ(molrt_pretraining_run(p_, nullptr), MOLRT_ERROR_DATA);
  EXPECT_NE(std::string(molrt_last_error()).find("there are no molecules"), std::string::npos);
}

TEST_F(PretrainingTest, RunsOnce) {
  add_archive(p_);
  must(molrt_pretraining_run(p_, nullptr));
  EXPECT_EQ(molrt_pretraining_run(p_, nullptr), MOLRT_ERROR_STATE);
  EXPECT_EQ(molrt_pretraining_exclude(p_, "CC"), MOLRT_ERROR_STATE);
  EXPECT_EQ(molrt_pretraining_add_archive(p_, archive, nullptr, nullptr), MOLRT_ERROR_STATE);
  EXPECT_EQ(molrt_pretraining_set_checkpoint(p_, "run", 0), MOLRT_ERROR_STATE);
}

TEST_F(PretrainingTest, ReadingTellsItsProgressAndStops) {
  auto options = initialised(molrt_run_options_init);
  struct Seen {
    uint64_t done, total;
    int32_t answer;
  } seen = {0, 0, 0};
  options.progress_user = &seen;
  options.progress = [](void* user, const molrt_progress* progress) {
    EXPECT_EQ(progress->stage, MOLRT_STAGE_READING);
    auto& own = *static_cast<Seen*>(user);
    own.done = progress->done;
    own.total = progress->total;
    return own.answer;
  };
  must(molrt_pretraining_add_archive(p_, archive, &options, nullptr));
  EXPECT_EQ(seen.done, archive_molecules);
  EXPECT_EQ(seen.total, archive_molecules);
  seen.answer = 1;
  EXPECT_EQ(molrt_pretraining_add_archive(p_, archive, &options, nullptr), MOLRT_ERROR_CANCELLED);
}

TEST_F(PretrainingTest, ACancelledRunHasTheModelSoFar) {
  add_archive(p_);
  must(molrt_pretraining_cancel(p_));
  EXPECT_EQ(molrt_pretraining_run(p_, nullptr), MOLRT_ERROR_CANCELLED);
  molrt_model* made = nullptr;
  must(molrt_pretraining_get_model(p_, &made));
  const Model model(made);
  EXPECT_NE(report_of(p_).find("\"steps\":0"), std::string::npos) << report_of(p_);
}

TEST_F(PretrainingTest, ValuesOfATarget) {
  const Pretraining with_gap = new_pretraining(context_.get(), start_.get(), {"gap"});
  add_archive(with_gap.get());
  must(molrt_pretraining_run(with_gap.get(), nullptr));
  EXPECT_NE(report_of(with_gap.get()).find("\"name\":\"gap\""), std::string::npos);
  const Pretraining without = new_pretraining(context_.get(), start_.get(), {"homo"});
  add_archive(without.get());
  EXPECT_EQ(molrt_pretraining_run(without.get(), nullptr), MOLRT_ERROR_DATA);
  EXPECT_NE(std::string(molrt_last_error()).find("'homo'"), std::string::npos);
}

TEST_F(PretrainingTest, TheCheckpointGoes) {
  const std::string folder = testing::TempDir() + "molrt-pretraining-checkpoint";
  add_archive(p_);
  must(molrt_pretraining_set_checkpoint(p_, folder.c_str(), 0));
  must(molrt_pretraining_run(p_, nullptr));
  EXPECT_TRUE(std::filesystem::exists(folder + "/run.json"));
  must(molrt_pretraining_remove_checkpoint(p_));
  EXPECT_FALSE(std::filesystem::exists(folder));
}

}  // namespace
}  // namespace molrt::abi
