// One model, many threads, each with a context of its own: for ThreadSanitizer (./dev tsan), and
// for equal bytes. Contexts have one thread: libgomp itself gives TSan false alarms.
#include <algorithm>
#include <atomic>
#include <cstring>
#include <thread>

#include "support.h"

namespace molrt::abi {
namespace {

constexpr int kThreads = 6;
constexpr int kRounds = 2;

// Runs body(thread number) on kThreads threads that start together.
template <typename Body>
void on_many_threads(Body body) {
  std::atomic<int> waiting{kThreads};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t)
    threads.emplace_back([&, t] {
      --waiting;
      while (waiting > 0) std::this_thread::yield();
      body(t);
    });
  for (std::thread& thread : threads) thread.join();
}

std::vector<std::string> rotated(int by) {
  std::vector<std::string> smiles = good_smiles();
  std::rotate(smiles.begin(), smiles.begin() + by, smiles.end());
  return smiles;
}

TEST(Threads, PredictWithOneModel) {
  const Context context = new_context();
  const Model model = golden_model(context.get(), "molecule_linear.pth");
  const Batch batch = new_batch(context.get(), good_smiles());
  const std::vector<float> expected = predictions_of(context.get(), model.get(), batch.get());
  on_many_threads([&](int t) {
    for (int round = 0; round < kRounds; ++round) {
      const Context own = new_context();
      const Batch mine = new_batch(own.get(), rotated(t));
      std::vector<float> means = predictions_of(own.get(), model.get(), mine.get());
      std::rotate(means.begin(), means.end() - t, means.end());
      EXPECT_EQ(means, expected) << "thread " << t;
    }
  });
}

TEST(Threads, TrainFromOneModel) {
  const Context context = new_context();
  const Model base = small_model(context.get());
  std::vector<std::vector<float>> held_out(kThreads, std::vector<float>(good_smiles().size()));
  on_many_threads([&](int t) {
    const Context own = new_context();
    const Job job = new_job(own.get(), base.get());
    must(molrt_job_run(job.get(), nullptr));
    const size_t i = static_cast<size_t>(t);
    must(molrt_job_get_held_out(job.get(), held_out[i].data(), held_out[i].size()));
  });
  for (auto& other : held_out)
    EXPECT_EQ(std::memcmp(other.data(), held_out[0].data(), other.size() * sizeof(float)), 0);
}

TEST(Threads, FailWithTheirOwnTexts) {
  on_many_threads([](int t) {
    const Context own = new_context();
    for (int round = 0; round < 50; ++round) {
      const std::string path = "/nonexistent/" + std::to_string(t);
      molrt_model* none = nullptr;
      EXPECT_EQ(molrt_model_open(own.get(), path.c_str(), nullptr, &none), MOLRT_ERROR_IO);
      EXPECT_NE(std::string(molrt_last_error()).find(path), std::string::npos);
    }
  });
}

}  // namespace
}  // namespace molrt::abi
