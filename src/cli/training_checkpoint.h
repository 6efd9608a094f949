#pragma once
// OUTPUT.checkpoint: the directory that a training run can be gone on with.
#include <functional>
#include <string>

#include "cli/progress.h"
#include "molrt.h"

namespace molrt::cli {

class TrainingCheckpoint {
 public:
  // The library's functions of the run: they take a directory, and delete what is kept there.
  struct Of {
    std::function<int32_t(const char* directory, int32_t resume)> set;
    std::function<int32_t()> remove;
  };
  // Sets it for the run; none where the output is no regular file. Says what is dropped or missing.
  TrainingCheckpoint(Of run, const std::string& output, bool resume, Progress& progress);

  void remove() const;  // the model is safe
  // What to tell of a stopped run: "; --resume goes on with it", or "".
  std::string what_resumes() const;

 private:
  Of run_;
  std::string directory_;  // empty: none
};

}  // namespace molrt::cli
