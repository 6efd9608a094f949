#include "cli/training_checkpoint.h"

#include <fmt/format.h>

#include <filesystem>

#include "base/error.h"
#include "cli/session.h"

namespace molrt::cli {
namespace {

namespace fs = std::filesystem;

bool is_special(const std::string& output) {
  std::error_code ignored;
  return fs::exists(output, ignored) && !fs::is_regular_file(output, ignored);
}

}  // namespace

TrainingCheckpoint::TrainingCheckpoint(Of run, const std::string& output, bool resume,
                                       Progress& progress)
    : run_(std::move(run)) {
  if (is_special(output)) {
    if (resume)
      fail(MOLRT_ERROR_INVALID_ARGUMENT,
           "--resume: {} is no regular file, so nothing was kept beside it", output);
    return;
  }
  directory_ = output + ".checkpoint";
  const bool there = fs::exists(directory_ + "/run.json");
  if (resume && !there)
    progress.say(
        fmt::format("notice: --resume: there is no {}; starting at the beginning", directory_));
  if (!resume && there)
    progress.say(
        fmt::format("warning: what a stopped run has left in {} is dropped; --resume would "
                    "have gone on with it",
                    directory_));
  check(run_.set(directory_.c_str(), resume));
}

void TrainingCheckpoint::remove() const {
  if (!directory_.empty()) check(run_.remove());
}

std::string TrainingCheckpoint::what_resumes() const {
  return fs::is_directory(directory_) ? fmt::format("; --resume goes on with {}", directory_) : "";
}

}  // namespace molrt::cli
