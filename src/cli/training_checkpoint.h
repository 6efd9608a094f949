#pragma once
// OUTPUT.checkpoint: the directory that a training run can be gone on with.
#include <string>

#include "cli/progress.h"
#include "molrt.h"

namespace molrt::cli {

class TrainingCheckpoint {
 public:
  // Sets it for the job; none where the output is no regular file. Says what is dropped or missing.
  TrainingCheckpoint(molrt_job* job, const std::string& output, bool resume, Progress& progress);

  void remove() const;  // the model is safe
  // What to tell of a stopped run: "; --resume goes on with it", or "".
  std::string what_resumes() const;

 private:
  molrt_job* job_;
  std::string directory_;  // empty: none
};

}  // namespace molrt::cli
