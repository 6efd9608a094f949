#pragma once
// Bytes of a tensor. Those of a file may leave memory once they are packed: whoever needs them
// afterwards reads them again.
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>

namespace molrt {

// Thread-safe.
class StoredBytes {
 public:
  using Bytes = std::shared_ptr<const std::byte>;

  explicit StoredBytes(Bytes bytes, std::function<Bytes()> read_again = {})
      : bytes_(std::move(bytes)), read_again_(std::move(read_again)) {}

  // They stay in memory as long as the result. IO error where they have to be read again and the
  // file is not what it was.
  Bytes hold();
  // From now on they are in memory only while somebody holds them; nothing where they cannot be
  // read again.
  void drop();

 private:
  std::mutex mutex_;
  Bytes bytes_;                          // until they are dropped
  std::weak_ptr<const std::byte> held_;  // afterwards
  const std::function<Bytes()> read_again_;
};

}  // namespace molrt
