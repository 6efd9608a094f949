// molrt.hpp: errors, callbacks that throw, moves, and objects destroyed in any order.
#include <memory>
#include <thread>
#include <type_traits>

#include "hpp_support.h"

namespace molrt_hpp {
namespace {

template <typename T>
constexpr bool moves_only =
    std::is_nothrow_move_constructible_v<T>&& std::is_nothrow_move_assignable_v<T> &&
    !std::is_copy_constructible_v<T> && !std::is_copy_assignable_v<T>;
static_assert(moves_only<molrt::Context> && moves_only<molrt::Model> && moves_only<molrt::Batch> &&
              moves_only<molrt::Settings> && moves_only<molrt::Job>);

struct Sentinel {  // thrown through C; no std::exception, so that nothing else can have made it
  int number;
};

class HppLifetime : public testing::Test {
 protected:
  std::vector<double> targets(const molrt::Batch& batch) const {
    std::vector<double> values;
    for (size_t i = 0; i < batch.size(); ++i) values.push_back(static_cast<double>(i % 5));
    return values;
  }
  molrt::Model small() const { return molrt::Model::untrained(context_, small_architecture()); }

  const molrt::Context context_{1};
};

TEST_F(HppLifetime, ErrorsHaveStatusAndText) {
  const std::string missing = golden_path("no such file");
  EXPECT_EQ(status_of([&] { molrt::Model::open(context_, missing); }, missing), MOLRT_ERROR_IO);
  EXPECT_EQ(status_of([&] { molrt::Model::open(context_, "junk", 4); }), MOLRT_ERROR_FORMAT);
  EXPECT_EQ(status_of([] { molrt::Settings().set("epoch", 3); }, "epochs"),
            MOLRT_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(status_of([] { molrt::Context(-1); }, "threads"), MOLRT_ERROR_INVALID_ARGUMENT);
  auto batch = new_batch(context_, {"C"});
  EXPECT_EQ(status_of([&] { molrt::predict(context_, small(), batch); }, "head"),
            MOLRT_ERROR_STATE);
}

TEST_F(HppLifetime, ANulEndsNoText) {
  molrt::Batch batch(context_);
  batch.add(std::string("C\0C", 3));
  batch.compute_conformers(context_);
  EXPECT_EQ(batch.row(0).status, MOLRT_ROW_INVALID_SMILES);
  const std::string path = golden_path("molecule_linear.pth") + std::string("\0", 1);
  EXPECT_EQ(status_of([&] { molrt::Model::open(context_, path); }), MOLRT_ERROR_IO);
}

TEST_F(HppLifetime, LengthsThatDoNotFitAreErrors) {
  auto batch = new_batch(context_, good_smiles());
  EXPECT_EQ(status_of(
                [&] {
                  batch.add({"C", "H"}, {0, 0, 0});
                },
                "coordinates"),
            MOLRT_ERROR_INVALID_ARGUMENT);
  auto short_targets = targets(batch);
  short_targets.pop_back();
  EXPECT_EQ(status_of([&] { molrt::Job(context_, small(), batch, short_targets); }, "targets"),
            MOLRT_ERROR_INVALID_ARGUMENT);
}

TEST_F(HppLifetime, ProgressGoesOnAndStops) {
  auto batch = new_batch(context_, good_smiles());
  uint64_t last = 0;
  molrt::RunOptions options;
  options.on_progress = [&](const molrt_progress& p) {
    EXPECT_EQ(p.stage, MOLRT_STAGE_CONFORMERS);
    last = p.done;
    return true;
  };
  batch.compute_conformers(context_, options);
  EXPECT_EQ(last, batch.size());

  options.on_progress = [](const molrt_progress&) { return false; };
  EXPECT_EQ(status_of([&] { molrt::embed(context_, small(), batch, options); }),
            MOLRT_ERROR_CANCELLED);
}

TEST_F(HppLifetime, WhatProgressThrowsLeavesTheCall) {
  auto batch = new_batch(context_, good_smiles());
  int calls = 0;
  molrt::RunOptions options;
  options.on_progress = [&](const molrt_progress&) -> bool { throw Sentinel{++calls}; };
  const auto model = small();
  try {
    molrt::embed_atoms(context_, model, batch, options);
    FAIL() << "nothing was thrown";
  } catch (const Sentinel& sentinel) {
    EXPECT_EQ(sentinel.number, 1);  // and the callback was not called again
  }
  EXPECT_EQ(molrt::embed(context_, model, batch).rows, batch.size());  // all is as it was
}

TEST_F(HppLifetime, WhatProgressThrowsLeavesTraining) {
  const auto batch = new_batch(context_, good_smiles());
  molrt::Job job(context_, small(), batch, targets(batch));
  molrt::RunOptions options;
  options.on_progress = [](const molrt_progress& p) -> bool {
    if (p.stage == MOLRT_STAGE_TRAINING) throw Sentinel{p.epoch};
    return true;
  };
  EXPECT_THROW(job.run(options), Sentinel);
  EXPECT_EQ(job.model().info().outputs, 1);  // the best so far: of one epoch
}

TEST_F(HppLifetime, CsOwnCallbackWorksToo) {
  auto batch = new_batch(context_, good_smiles());
  molrt::RunOptions options;
  int calls = 0;
  options.progress = [](void* user, const molrt_progress*) {
    ++*static_cast<int*>(user);
    return 0;
  };
  options.progress_user = &calls;
  batch.compute_conformers(context_, options);
  EXPECT_GT(calls, 0);
}

TEST_F(HppLifetime, TheLogFollowsAMovedContext) {
  std::vector<std::string> messages;
  molrt::ContextOptions options;
  options.on_log = [&](int32_t level, const std::string& text) {
    EXPECT_EQ(level, MOLRT_LOG_NOTICE);
    messages.push_back(text);
  };
  molrt::Context first(options);
  const molrt::Context second = std::move(first);
  molrt::Model::open(second, golden_path("molecule_linear_bare.pth"));
  EXPECT_FALSE(messages.empty());
  EXPECT_EQ(status_of([&] { molrt::Model::untrained(first); }, "context"),
            MOLRT_ERROR_INVALID_ARGUMENT);
}

TEST_F(HppLifetime, WhatTheLogThrowsLeavesTheCallOnce) {
  molrt::ContextOptions options;
  options.on_log = [](int32_t, const std::string&) { throw Sentinel{1}; };
  const molrt::Context context(options);
  EXPECT_THROW(molrt::Model::open(context, golden_path("molecule_linear_bare.pth")), Sentinel);
  EXPECT_NO_THROW(molrt::Model::untrained(context, small_architecture()));
}

TEST_F(HppLifetime, MovedFromObjectsFailByName) {
  auto batch = new_batch(context_, {"C"});
  const auto taken = std::move(batch);
  EXPECT_EQ(taken.size(), 1u);
  EXPECT_EQ(batch.size(), 0u);
  EXPECT_EQ(status_of([&] { batch.add("C"); }, "batch is NULL"), MOLRT_ERROR_INVALID_ARGUMENT);
  batch = new_batch(context_, {"C", "N"});
  EXPECT_EQ(batch.size(), 2u);
}

TEST_F(HppLifetime, AJobOutlivesWhatItWasMadeFrom) {
  auto context = std::make_unique<molrt::Context>(1);
  auto model = std::make_unique<molrt::Model>(small());
  auto batch = std::make_unique<molrt::Batch>(new_batch(*context, good_smiles()));
  auto job = std::make_unique<molrt::Job>(*context, *model, *batch, targets(*batch));
  model.reset();
  batch.reset();
  context.reset();
  job->run();
  const molrt::Model trained = job->model();
  job.reset();
  EXPECT_EQ(trained.info().outputs, 1);
}

TEST_F(HppLifetime, AJobIsCancelledFromAnotherThread) {
  const auto batch = new_batch(context_, good_smiles());
  molrt::Settings settings;
  settings.set("epochs", 100000).set("patience", 100000);
  molrt::Job job(context_, small(), batch, targets(batch), {"target"}, settings);
  std::thread other;
  molrt::RunOptions options;
  options.on_progress = [&](const molrt_progress& p) {
    if (p.stage == MOLRT_STAGE_TRAINING && !other.joinable())
      other = std::thread([&] { job.cancel(); });
    return true;
  };
  EXPECT_EQ(status_of([&] { job.run(options); }), MOLRT_ERROR_CANCELLED);
  other.join();
}

}  // namespace
}  // namespace molrt_hpp
