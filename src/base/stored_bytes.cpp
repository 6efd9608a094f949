#include "base/stored_bytes.h"

namespace molrt {

StoredBytes::Bytes StoredBytes::hold() {
  const std::lock_guard lock(mutex_);
  if (bytes_ || !read_again_) return bytes_;
  Bytes held = held_.lock();
  if (!held) held_ = held = read_again_();
  return held;
}

void StoredBytes::drop() {
  const std::lock_guard lock(mutex_);
  if (!read_again_ || !bytes_) return;
  held_ = bytes_;
  bytes_.reset();
}

}  // namespace molrt
