#pragma once
// The threads of a training step, which work on the parts of one operation after the other. Parts
// are cut the same way whatever the number of threads, so that sums do not depend on it.
#include <functional>
#include <vector>

#include "base/parallel.h"
#include "nn/workspace.h"

namespace molrt {

class Team {
 public:
  explicit Team(int threads) : workspaces_(static_cast<size_t>(threads)) {}

  // body(part, workspace) for every part < count; the workspace is the thread's own.
  void share(size_t count, const std::function<void(size_t part, Workspace& workspace)>& body) {
    parallel_for(static_cast<int>(workspaces_.size()), count,
                 [&](size_t part, int worker) { body(part, workspaces_[worker]); });
  }

 private:
  std::vector<Workspace> workspaces_;
};

}  // namespace molrt
