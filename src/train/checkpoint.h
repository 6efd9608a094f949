#pragma once
// What a training run keeps on disk, so that a killed one goes on where it was. A directory of
//   run.json                     what the run was begun with
//   member-I.safetensors         member I (of folds x seeds), trained to its end
//   member-I.part.safetensors    member I in training, between two steps
//   member-I.best-E.safetensors  its values after epoch E, the best so far
// Every file is replaced whole or not at all. One process at a time uses the directory.
#include <chrono>
#include <cstddef>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "base/tensor.h"

namespace molrt {

struct CheckpointState {
  TensorMap tensors;
  nlohmann::json facts;
};

// Of one process, on the directory itself: a file of its own would be left behind.
class DirectoryLock {
 public:
  explicit DirectoryLock(const std::string& directory);  // IO if another has it
  ~DirectoryLock();
  DirectoryLock(const DirectoryLock&) = delete;
  DirectoryLock& operator=(const DirectoryLock&) = delete;

 private:
  int file_;
};

class Checkpoint {
 public:
  // `facts`, an object of objects, tells what the run depends on. With `resume` what the directory
  // holds is gone on with: INVALID_ARGUMENT naming the first difference if it is of another run,
  // FORMAT if it is broken; else it is emptied. IO errors name the path.
  Checkpoint(const std::string& directory, const nlohmann::json& facts, bool resume);
  ~Checkpoint();  // a run that has kept nothing leaves nothing behind
  Checkpoint(const Checkpoint&) = delete;
  Checkpoint& operator=(const Checkpoint&) = delete;

  // A fact that became known later; as those of the constructor.
  void check_fact(const std::string& name, const nlohmann::json& value);

  std::optional<CheckpointState> finished(size_t member) const;
  std::optional<CheckpointState> part(size_t member) const;
  // The values of a member's best epoch so far, where they are too large to be held.
  void save_best(size_t member, int epoch, const TensorMap& values) const;
  TensorMap best(size_t member, int epoch) const;  // FORMAT if it is not there
  void save_part(size_t member, const CheckpointState& state) const;
  void finish(size_t member, const CheckpointState& state) const;  // its part goes

  // The run is over: deletes what it kept. IO where another run uses it.
  static void remove(const std::string& directory);

 private:
  friend class MemberCheckpoint;
  void drop_best(size_t member, int but) const;  // all epochs' but this one's
  void check_same(const std::string& name, const nlohmann::json& value) const;
  bool has_members() const;
  std::string file(const std::string& name) const { return directory_ + "/" + name; }

  std::string directory_;
  nlohmann::json run_;  // as the directory tells it
  DirectoryLock lock_;
};

// One member's place in a checkpoint, or none: then nothing is kept.
class MemberCheckpoint {
 public:
  MemberCheckpoint() = default;
  MemberCheckpoint(const Checkpoint& checkpoint, size_t member)
      : checkpoint_(&checkpoint), member_(member) {}

  explicit operator bool() const { return checkpoint_ != nullptr; }
  std::optional<CheckpointState> part() const;
  // Whether so much time has passed that saving is worth it: it takes a twentieth of it at most.
  bool due() const;
  // best_epoch: whose values the state needs beside it, of save_best(); those of others go.
  void save(const CheckpointState& state, int best_epoch = 0);
  void save_best(int epoch, const TensorMap& values) const;
  TensorMap best(int epoch) const { return checkpoint_->best(member_, epoch); }
  std::optional<CheckpointState> finished() const;
  void finish(const CheckpointState& state);

 private:
  using Clock = std::chrono::steady_clock;
  const Checkpoint* checkpoint_ = nullptr;
  size_t member_ = 0;
  Clock::time_point saved_ = Clock::now();
  Clock::duration took_{};
};

}  // namespace molrt
