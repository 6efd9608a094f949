// What the library does to the process around it: nothing. Output, locale, OpenMP, forks,
// callbacks, lifetimes and cancelling.
#include <omp.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <clocale>
#include <cmath>
#include <condition_variable>
#include <cstring>
#include <fstream>
#include <iterator>
#include <mutex>
#include <thread>

#include "support.h"

namespace molrt::abi {
namespace {

std::vector<std::string> bad_smiles() {
  return {"", "not a molecule", "C1CC", "[H][H]", "*", "[Zz]", "C(C)(C)(C)(C)(C)C", "[Xe]F"};
}

std::string file_bytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Everything a user may do wrong with molecules and files, on several threads.
void misbehave() {
  const Context context = new_context(2);
  const Model model = small_model(context.get());
  std::vector<std::string> smiles = bad_smiles();
  for (const std::string& good : good_smiles()) smiles.push_back(good);
  const Batch batch = new_batch(context.get(), smiles);
  const double far[3] = {0, 0, HUGE_VAL};
  const char* const symbol[] = {"C"};
  must(molrt_batch_add_atoms(batch.get(), symbol, far, 1));
  cls_of(context.get(), model.get(), batch.get());
  const std::string whole = file_bytes(MOLRT_TEST_DATA "/molecule_linear.pth");
  for (size_t size : {whole.size() / 2, whole.size() - 30, size_t{40}}) {
    molrt_model* broken = nullptr;
    EXPECT_NE(molrt_model_open_memory(context.get(), whole.data(), size, nullptr, &broken),
              MOLRT_OK);
  }
}

TEST(Process, NothingIsPrinted) {
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  misbehave();
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

TEST(Process, TheLocaleStays) {
  ASSERT_NE(std::setlocale(LC_ALL, "C.UTF-8"), nullptr);
  misbehave();
  EXPECT_STREQ(std::setlocale(LC_ALL, nullptr), "C.UTF-8");
  std::setlocale(LC_ALL, "C");
}

TEST(Process, TheHostsOpenMpSettingsStay) {
  const int threads = omp_get_max_threads();
  omp_set_num_threads(5);
  misbehave();
  EXPECT_EQ(omp_get_max_threads(), 5);
  EXPECT_EQ(omp_get_max_active_levels(), 1);
  omp_set_num_threads(threads);
}

// In a forked child: whether the inherited handles and new ones give the parent's bytes.
int child_result(molrt_context* context, const molrt_model* model,
                 const std::vector<float>& parent) {
  alarm(120);  // a hang ends the child with a signal
  const Batch inherited = new_batch(context, good_smiles());
  if (cls_of(context, model, inherited.get()) != parent) return 1;
  const Context fresh = new_context(1);
  const Model same = small_model(fresh.get());
  const Batch batch = new_batch(fresh.get(), good_smiles());
  return cls_of(fresh.get(), same.get(), batch.get()) == parent ? 0 : 2;
}

TEST(Process, AChildPredictsAfterAFork) {
  const Context context = new_context(2);
  const Model model = small_model(context.get());
  const Batch batch = new_batch(context.get(), good_smiles());
  const std::vector<float> parent = cls_of(context.get(), model.get(), batch.get());
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) _exit(child_result(context.get(), model.get(), parent));
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status)) << "ended by signal " << WTERMSIG(status);
  EXPECT_EQ(WEXITSTATUS(status), 0);
  const Batch again = new_batch(context.get(), good_smiles());
  EXPECT_EQ(cls_of(context.get(), model.get(), again.get()), parent);
}

// libgomp's team, which does not survive a fork, may be the host's.
TEST(Process, AChildPredictsAfterAForkOfAHostThatUsesOpenMP) {
  const Context context = new_context(2);
  const Model model = small_model(context.get());
  std::atomic<int> threads{0};
#pragma omp parallel num_threads(2)
  ++threads;
  ASSERT_EQ(threads, 2);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    alarm(60);
    const Batch batch = new_batch(context.get(), good_smiles());
    _exit(cls_of(context.get(), model.get(), batch.get()).empty());
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status)) << "ended by signal " << WTERMSIG(status);
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

// What a progress callback saw, and when it stops the call.
struct Watch {
  int64_t stop_at = -1;  // call; -1: never
  int64_t calls = 0;
  uint64_t last_done[4] = {};
  bool elsewhere = false;
  std::thread::id thread = std::this_thread::get_id();
};

int32_t watch(void* user, const molrt_progress* progress) {
  Watch& w = *static_cast<Watch*>(user);
  if (std::this_thread::get_id() != w.thread) w.elsewhere = true;
  EXPECT_GE(progress->struct_size, sizeof(molrt_progress));
  EXPECT_GE(progress->done, w.last_done[progress->stage]);
  EXPECT_LE(progress->done, progress->total);
  w.last_done[progress->stage] = progress->done;
  return ++w.calls == w.stop_at;
}

molrt_run_options watched(Watch& w) {
  auto options = initialised(molrt_run_options_init);
  options.progress = watch;
  options.progress_user = &w;
  return options;
}

TEST(Process, CallbacksRunOnTheCallingThreadForEveryMolecule) {
  const Context context = new_context(2);
  const Model model = small_model(context.get());
  const Batch batch = new_batch(context.get(), good_smiles());
  Watch w;
  const molrt_run_options options = watched(w);
  std::vector<float> cls(good_smiles().size() * 16);
  must(molrt_embed(context.get(), model.get(), batch.get(), &options, cls.data(), cls.size(),
                   nullptr, 0));
  EXPECT_FALSE(w.elsewhere);
  EXPECT_EQ(w.last_done[MOLRT_STAGE_CONFORMERS], good_smiles().size());
  EXPECT_EQ(w.last_done[MOLRT_STAGE_NETWORK], good_smiles().size());
}

TEST(Process, ACallbackStopsTheCallAndTheHandlesLiveOn) {
  const Context context = new_context(2);
  const Model model = small_model(context.get());
  const Batch reference = new_batch(context.get(), good_smiles());
  const std::vector<float> expected = cls_of(context.get(), model.get(), reference.get());
  const Batch batch = new_batch(context.get(), good_smiles());
  Watch w;
  w.stop_at = 1;
  const molrt_run_options options = watched(w);
  std::vector<float> cls(expected.size());
  EXPECT_EQ(molrt_embed(context.get(), model.get(), batch.get(), &options, cls.data(), cls.size(),
                        nullptr, 0),
            MOLRT_ERROR_CANCELLED);
  EXPECT_STRNE(molrt_last_error(), "");
  EXPECT_EQ(w.calls, 1) << "called again after it said stop";
  EXPECT_EQ(cls_of(context.get(), model.get(), batch.get()), expected);
}

// Holds the training at its first epoch until another thread has cancelled the job.
struct Gate {
  std::mutex mutex;
  std::condition_variable changed;
  bool training = false, cancelled = false;
};

int32_t wait_for_cancel(void* user, const molrt_progress* progress) {
  Gate& gate = *static_cast<Gate*>(user);
  if (progress->stage != MOLRT_STAGE_TRAINING) return 0;
  std::unique_lock lock(gate.mutex);
  gate.training = true;
  gate.changed.notify_all();
  gate.changed.wait(lock, [&] { return gate.cancelled; });
  return 0;
}

void cancel_once_training(molrt_job* job, Gate& gate) {
  std::unique_lock lock(gate.mutex);
  gate.changed.wait(lock, [&] { return gate.training; });
  EXPECT_EQ(molrt_job_cancel(job), MOLRT_OK);
  gate.cancelled = true;
  gate.changed.notify_all();
}

TEST(Process, AJobIsCancelledFromAnotherThread) {
  const Context context = new_context();
  const Model base = small_model(context.get());
  const Job job = new_job(context.get(), base.get());
  Gate gate;
  auto options = initialised(molrt_run_options_init);
  options.progress = wait_for_cancel;
  options.progress_user = &gate;
  std::thread canceller([&] { cancel_once_training(job.get(), gate); });
  EXPECT_EQ(molrt_job_run(job.get(), &options), MOLRT_ERROR_CANCELLED);
  canceller.join();
  molrt_model* best = nullptr;  // so far
  EXPECT_EQ(molrt_job_get_model(job.get(), &best), MOLRT_OK);
  molrt_model_free(best);
}

TEST(Process, HandlesKeepAliveWhatTheyWereMadeFrom) {
  Context context = new_context();
  Model base = small_model(context.get());
  Job job = new_job(context.get(), base.get());
  Batch batch = new_batch(context.get(), good_smiles());
  base.reset();
  context.reset();
  must(molrt_job_run(job.get(), nullptr));
  molrt_model* made = nullptr;
  must(molrt_job_get_model(job.get(), &made));
  const Model trained(made);
  job.reset();
  const Context other = new_context();
  const std::vector<float> means = predictions_of(other.get(), trained.get(), batch.get());
  for (float mean : means) EXPECT_TRUE(std::isfinite(mean));
}

TEST(Process, TheTextOfAFailureBelongsToItsThread) {
  EXPECT_NE(molrt_batch_clear(nullptr), MOLRT_OK);
  std::thread other([] { EXPECT_STREQ(molrt_last_error(), ""); });
  other.join();
  EXPECT_STRNE(molrt_last_error(), "");
}

TEST(Process, ALogMessageTellsWhatWasAssumed) {
  auto options = initialised(molrt_context_options_init);
  std::vector<std::pair<int32_t, std::string>> messages;
  options.log = [](void* user, int32_t level, const char* message) {
    static_cast<decltype(messages)*>(user)->emplace_back(level, message);
  };
  options.log_user = &messages;
  molrt_context* handle = nullptr;
  must(molrt_context_create(&options, &handle));
  const Context context(handle);
  const Model model = golden_model(context.get(), "molecule_linear.pth");
  bool noticed = false;
  for (const auto& [level, text] : messages)
    noticed |= level == MOLRT_LOG_NOTICE && text.find("hydrogen") != std::string::npos;
  EXPECT_TRUE(noticed) << "raw weights do not say what hydrogens they expect";
}

TEST(Process, BadRowsLeaveTheBytesOfGoodOnes) {
  const Context context = new_context(2);
  const Model model = golden_model(context.get(), "molecule_linear.pth");
  const Batch clean = new_batch(context.get(), good_smiles());
  const std::vector<float> expected = predictions_of(context.get(), model.get(), clean.get());
  std::vector<std::string> mixed;
  for (size_t i = 0; i < good_smiles().size(); ++i) {
    mixed.push_back(bad_smiles()[i % 3]);  // those that are bad for every model
    mixed.push_back(good_smiles()[i]);
  }
  const Batch batch = new_batch(context.get(), mixed);
  const std::vector<float> means = predictions_of(context.get(), model.get(), batch.get());
  auto row = initialised(molrt_row_init);
  for (size_t i = 0; i < expected.size(); ++i) {
    EXPECT_TRUE(std::isnan(means[2 * i]));
    EXPECT_EQ(means[2 * i + 1], expected[i]) << mixed[2 * i + 1];
    must(molrt_batch_get_row(batch.get(), 2 * i, &row));
    EXPECT_EQ(row.status, i % 3 ? MOLRT_ROW_INVALID_SMILES : MOLRT_ROW_EMPTY);
    EXPECT_STRNE(molrt_batch_row_message(batch.get(), 2 * i), "");
  }
}

}  // namespace
}  // namespace molrt::abi
