#include "model/watch.h"

#include "base/error.h"

namespace molrt {

bool Watch::tell() {
  // Who has said stop is not asked again.
  if (!stopped_ && progress_ && progress_(stage_, done_, total_)) stopped_ = true;
  last_ = Clock::now();
  return stopped_;
}

bool Watch::stops(int worker) {
  constexpr auto interval = std::chrono::milliseconds(20);
  if (worker != 0 || Clock::now() - last_ < interval) return stopped_;
  return tell();
}

void Watch::tell_or_cancel() {
  if (tell()) fail(MOLRT_ERROR_CANCELLED, "stopped after {} of {} molecules", done_.load(), total_);
}

}  // namespace molrt
