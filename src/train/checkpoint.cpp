#include "train/checkpoint.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <filesystem>

#include "base/error.h"
#include "io/safetensors.h"

namespace molrt {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr const char* run_file = "run.json";

std::string member_file(size_t member) { return fmt::format("member-{}.safetensors", member); }
std::string part_file(size_t member) { return fmt::format("member-{}.part.safetensors", member); }

// Temporary files (base/file.h) begin with a dot.
bool is_ours(std::string name) {
  if (name.starts_with('.')) name.erase(0, 1);
  return name == run_file || name.starts_with(std::string(run_file) + ".tmp-") ||
         (name.starts_with("member-") && name.find(".safetensors") != name.npos);
}

std::string text_of(const json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

// "settings: lr was 0.001, is now 0.0005", or "".
std::string difference(const std::string& part, const json& was, const json& is) {
  if (was == is) return "";
  if (!was.is_object() || !is.is_object())
    return fmt::format("{} was {}, is now {}", part, text_of(was), text_of(is));
  for (const auto& [name, value] : was.items())
    if (!is.contains(name)) return fmt::format("{}: {} was {}", part, name, text_of(value));
  for (const auto& [name, value] : is.items()) {
    if (!was.contains(name)) return fmt::format("{}: {} is now {}", part, name, text_of(value));
    const std::string found = difference(name, was.at(name), value);
    if (!found.empty()) return fmt::format("{}: {}", part, found);
  }
  return fmt::format("{} is another one", part);
}

void write_state(const std::string& path, const CheckpointState& state) {
  AtomicFile file(path);
  write_safetensors(file, state.tensors, {{"state", state.facts.dump()}});
  file.commit();
}

std::optional<CheckpointState> read_state(const std::string& path) {
  if (!fs::exists(path)) return std::nullopt;
  Safetensors read = read_safetensors(*ByteSource::open_file(path));
  try {
    return CheckpointState{std::move(read.tensors), json::parse(read.metadata.at("state"))};
  } catch (const std::exception& e) {
    fail(MOLRT_ERROR_FORMAT, "{}: no checkpoint of a training run: {}", path, e.what());
  }
}

json read_run(const std::string& path) {
  const auto source = ByteSource::open_file(path);
  const auto bytes = source->read(0, source->size(), "the run's facts");
  const auto* text = reinterpret_cast<const char*>(bytes.data());
  try {
    return json::parse(text, text + bytes.size());
  } catch (const json::exception& e) {
    fail(MOLRT_ERROR_FORMAT, "{}: not JSON: {}", path, e.what());
  }
}

void write_run(const std::string& path, const json& facts) {
  write_whole(path, facts.dump(1) + "\n");
}

std::string made(const std::string& directory) {
  std::error_code error;
  fs::create_directories(directory, error);
  if (error) fail_io("make the directory", directory, error.value());
  return directory;
}

void clear(const std::string& directory) {
  for (const auto& entry : fs::directory_iterator(directory))
    if (is_ours(entry.path().filename().string())) fs::remove(entry.path());
}

void clear_away(const std::string& directory) {
  clear(directory);
  std::error_code ignored;  // somebody else's files may be there
  fs::remove(directory, ignored);
}

}  // namespace

DirectoryLock::DirectoryLock(const std::string& directory)
    : file_(open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
  if (file_ < 0) fail_io("open", directory, errno);
  if (flock(file_, LOCK_EX | LOCK_NB) == 0) return;
  const int error = errno;
  close(file_);
  if (error == EWOULDBLOCK)
    fail(MOLRT_ERROR_IO, "{}: another run is training with this checkpoint", directory);
  fail_io("lock", directory, error);
}

DirectoryLock::~DirectoryLock() { close(file_); }

Checkpoint::Checkpoint(const std::string& directory, const json& facts, bool resume)
    : directory_(made(directory)), lock_(directory) {
  if (resume && fs::exists(file(run_file))) {
    run_ = read_run(file(run_file));
  } else {
    clear(directory_);
  }
  for (const auto& [name, value] : facts.items()) check_fact(name, value);
}

Checkpoint::~Checkpoint() {
  try {
    if (!has_members()) clear_away(directory_);
  } catch (const std::exception&) {  // then it stays
  }
}

bool Checkpoint::has_members() const {
  for (const auto& entry : fs::directory_iterator(directory_))
    if (entry.path().filename().string().starts_with("member-")) return true;
  return false;
}

void Checkpoint::check_same(const std::string& name, const json& value) const {
  const std::string found = difference(name, run_.at(name), value);
  if (found.empty()) return;
  fail(MOLRT_ERROR_INVALID_ARGUMENT,
       "{}: the checkpoint of another run: {}; give what was given then, or start over without "
       "resume",
       directory_, found);
}

void Checkpoint::check_fact(const std::string& name, const json& value) {
  if (run_.contains(name)) return check_same(name, value);
  run_[name] = value;
  write_run(file(run_file), run_);
}

void Checkpoint::remove(const std::string& directory) {
  if (!fs::is_directory(directory)) return;
  const DirectoryLock lock(directory);
  clear_away(directory);
}

std::optional<CheckpointState> Checkpoint::finished(size_t member) const {
  return read_state(file(member_file(member)));
}

std::optional<CheckpointState> Checkpoint::part(size_t member) const {
  return read_state(file(part_file(member)));
}

namespace {

std::string best_prefix(size_t member) { return fmt::format("member-{}.best-", member); }
std::string best_file(size_t member, int epoch) {
  return fmt::format("{}{}.safetensors", best_prefix(member), epoch);
}

}  // namespace

void Checkpoint::save_best(size_t member, int epoch, const TensorMap& values) const {
  write_state(file(best_file(member, epoch)), {values, {}});
}

TensorMap Checkpoint::best(size_t member, int epoch) const {
  auto state = read_state(file(best_file(member, epoch)));
  if (!state)
    fail(MOLRT_ERROR_FORMAT, "{}: is missing; start over without resume",
         file(best_file(member, epoch)));
  return std::move(state->tensors);
}

void Checkpoint::drop_best(size_t member, int but) const {
  for (const auto& entry : fs::directory_iterator(directory_)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with(best_prefix(member)) && name != best_file(member, but))
      fs::remove(entry.path());
  }
}

void Checkpoint::save_part(size_t member, const CheckpointState& state) const {
  write_state(file(part_file(member)), state);
}

void Checkpoint::finish(size_t member, const CheckpointState& state) const {
  write_state(file(member_file(member)), state);
  fs::remove(file(part_file(member)));
  drop_best(member, 0);
}

std::optional<CheckpointState> MemberCheckpoint::part() const {
  return checkpoint_ ? checkpoint_->part(member_) : std::nullopt;
}

bool MemberCheckpoint::due() const {
  constexpr auto shortest = std::chrono::seconds(1);
  return checkpoint_ && Clock::now() - saved_ >= std::max<Clock::duration>(shortest, 20 * took_);
}

void MemberCheckpoint::save(const CheckpointState& state, int best_epoch) {
  const auto start = Clock::now();
  checkpoint_->save_part(member_, state);
  checkpoint_->drop_best(member_, best_epoch);
  saved_ = Clock::now();
  took_ = saved_ - start;
}

void MemberCheckpoint::save_best(int epoch, const TensorMap& values) const {
  checkpoint_->save_best(member_, epoch, values);
}

std::optional<CheckpointState> MemberCheckpoint::finished() const {
  return checkpoint_ ? checkpoint_->finished(member_) : std::nullopt;
}

void MemberCheckpoint::finish(const CheckpointState& state) {
  if (checkpoint_) checkpoint_->finish(member_, state);
}

}  // namespace molrt
