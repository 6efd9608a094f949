#pragma once
// What the opaque handles of molrt.h hold. Children share what they use: the order of frees is
// free.
#include <memory>

#include "cache/conformer_cache.h"
#include "model/batch.h"
#include "train/job.h"
#include "train/settings.h"

struct molrt_context {
  int threads;
  molrt_log_callback log;
  void* log_user;
  std::shared_ptr<molrt::ConformerCache> cache = {};  // null: none
  ~molrt_context() {
    if (cache) cache->silence();  // jobs may still have it
  }
  void tell(int32_t level, const std::string& message) const {
    if (log) log(log_user, level, message.c_str());
  }
};

struct molrt_model {
  std::shared_ptr<const molrt::Model> model;
};

struct molrt_batch {
  molrt::Batch batch;
};

struct molrt_settings {
  molrt::Settings settings;
};

struct molrt_job {
  int threads;  // the context's, and its cache
  std::shared_ptr<molrt::ConformerCache> cache;
  molrt::Job job;
  std::string title, begun;  // for the HTML report; begun: when the run did, in words
};

namespace molrt::api {

// A caller's run options, checked, with its progress callback behind a C++ function.
struct CallerRun {
  molrt_run_options caller;
  RunOptions options;
};
CallerRun read_run_options(const molrt_run_options* user, int threads,
                           std::shared_ptr<ConformerCache> cache);
CallerRun read_run_options(const molrt_run_options* user, const molrt_context* context);
// Calls the caller's progress callback, if any; true: stop.
bool tell_progress(const molrt_run_options& caller, molrt_progress progress);
constexpr size_t most_targets = 10000;
// UTF-8 and all different; INVALID_ARGUMENT naming the one that is not.
std::vector<std::string> read_target_names(const char* const* names, size_t count);
// Of a checkpoint.
std::string read_directory(const char* directory, int32_t resume);
// A row of a table of settings for the caller.
void write_setting(const std::vector<SettingRow>& table, size_t index, molrt_setting_info* info);
void fill_row(const Batch& batch, size_t row, molrt_row* out);

}  // namespace molrt::api
