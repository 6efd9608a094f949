// Processes that fork after they have loaded molrt. Each test is run in a process of its own, since
// a team of threads that one has started is there for those behind it.
#include <omp.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>

#include "abi/support.h"

namespace molrt::abi {
namespace {

// Forks; the child ends with body()'s result, by a signal if it hangs.
template <typename Body>
pid_t in_child(const Body& body) {
  const pid_t child = fork();
  if (child != 0) return child;
  alarm(120);
  _exit(body());
}

void expect_success(pid_t child) {
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status)) << "ended by signal " << WTERMSIG(status);
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

int threads_of_a_team() {
  std::atomic<int> threads{0};
#pragma omp parallel num_threads(2)
  ++threads;
  return threads;
}

struct Loaded {
  explicit Loaded(int threads) : context(new_context(threads)), model(small_model(context.get())) {}
  std::vector<float> run() const {
    const Batch batch = new_batch(context.get(), good_smiles());
    return cls_of(context.get(), model.get(), batch.get());
  }
  Context context;
  Model model;
};

TEST(Fork, AChildOfASerialParentMayUseThreadsAndOpenMP) {
  const Loaded loaded(1);
  const std::vector<float> expected = loaded.run();
  expect_success(in_child([&] {
    if (threads_of_a_team() != 2) return 1;
    const Loaded fresh(2);
    if (fresh.run() != expected) return 2;
    if (threads_of_a_team() != 2) return 3;
    return loaded.run() == expected ? 0 : 4;
  }));
  EXPECT_EQ(threads_of_a_team(), 2);
  EXPECT_EQ(loaded.run(), expected);
}

TEST(Fork, SeveralChildrenAtOnce) {
  const Loaded loaded(2);
  const std::vector<float> expected = loaded.run();
  std::vector<pid_t> children;
  for (int i = 0; i < 4; ++i)
    children.push_back(in_child([&] { return loaded.run() == expected ? 0 : 1; }));
  EXPECT_EQ(loaded.run(), expected);
  for (const pid_t child : children) expect_success(child);
}

TEST(Fork, AChildsChild) {
  const Loaded loaded(2);
  const std::vector<float> expected = loaded.run();
  expect_success(in_child([&] {
    const pid_t grandchild = in_child([&] { return loaded.run() == expected ? 0 : 1; });
    int status = -1;
    waitpid(grandchild, &status, 0);
    return status == 0 && loaded.run() == expected ? 0 : 1;
  }));
}

}  // namespace
}  // namespace molrt::abi
