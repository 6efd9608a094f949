#pragma once
// The threads of a training step, which work on the parts of one operation after the other. Parts
// are cut the same way whatever the number of threads, so that sums do not depend on it.
#include <algorithm>
#include <functional>
#include <vector>

#include "base/parallel.h"
#include "kernels/matmul.h"
#include "nn/workspace.h"

namespace molrt {

class Team {
 public:
  explicit Team(int threads, Precision precision = Precision::f32)
      : workspaces_(static_cast<size_t>(threads)),
        working_(workspaces_.size()),
        precision_(precision) {}

  // As many of its threads as a pass of so many floating-point operations can feed: small ones
  // would spend their time waiting for each other.
  void size_for(double operations) {
    constexpr double worth_a_thread = 1e8;
    const auto fed = static_cast<size_t>(operations / worth_a_thread);
    working_ = std::clamp<size_t>(fed, 1, workspaces_.size());
  }

  int size() const { return static_cast<int>(working_); }
  Precision precision() const { return precision_; }  // of the linear layers' products
  // Of the thread that the team works for.
  Workspace& own() { return workspaces_.front(); }

  // body(part, workspace) for every part < count; the workspace is the thread's own.
  template <typename Body>
  void share(size_t count, const Body& body) {
    const auto own = [&](size_t part, int worker) { body(part, workspaces_[worker]); };
    parallel_for(static_cast<int>(working_), count, std::ref(own));  // which allocates nothing
  }
  // body(first row, rows, workspace) for the tiles of the rows.
  template <typename Body>
  void share_tiles(size_t rows, const Body& body) {
    share(padded_rows(rows) / row_tile, [&](size_t tile, Workspace& workspace) {
      const size_t first = tile * row_tile;
      body(first, std::min(row_tile, rows - first), workspace);
    });
  }

 private:
  std::vector<Workspace> workspaces_;
  size_t working_;
  Precision precision_;
};

}  // namespace molrt
