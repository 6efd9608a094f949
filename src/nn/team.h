#pragma once
// The threads of a training step, which work on the parts of one operation after the other. Parts
// are cut the same way whatever the number of threads, so that sums do not depend on it.
#include <algorithm>
#include <functional>
#include <vector>

#include "base/parallel.h"
#include "nn/workspace.h"

namespace molrt {

class Team {
 public:
  explicit Team(int threads)
      : workspaces_(static_cast<size_t>(threads)), working_(workspaces_.size()) {}

  // As many of its threads as a pass of so many floating-point operations can feed: small ones
  // would spend their time waiting for each other.
  void size_for(double operations) {
    constexpr double worth_a_thread = 1e8;
    const auto fed = static_cast<size_t>(operations / worth_a_thread);
    working_ = std::clamp<size_t>(fed, 1, workspaces_.size());
  }

  // body(part, workspace) for every part < count; the workspace is the thread's own.
  void share(size_t count, const std::function<void(size_t part, Workspace& workspace)>& body) {
    parallel_for(static_cast<int>(working_), count,
                 [&](size_t part, int worker) { body(part, workspaces_[worker]); });
  }

 private:
  std::vector<Workspace> workspaces_;
  size_t working_;
};

}  // namespace molrt
