#pragma once
// The threads of a training step, which work on the parts of one operation after the other. Parts
// are cut the same way whatever the number of threads, so that sums do not depend on it.
#include <functional>
#include <vector>

#include "base/buffer.h"
#include "base/parallel.h"

namespace molrt {

class Team {
 public:
  explicit Team(int threads) : scratch_(static_cast<size_t>(threads)) {}

  // body(part, scratch) for every part < count; the scratch is the thread's own.
  void share(size_t count, const std::function<void(size_t part, Buffer& scratch)>& body) {
    parallel_for(static_cast<int>(scratch_.size()), count,
                 [&](size_t part, int worker) { body(part, scratch_[worker]); });
  }

 private:
  std::vector<Buffer> scratch_;
};

}  // namespace molrt
