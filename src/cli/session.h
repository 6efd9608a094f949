#pragma once
// molrt.h's handles, freed where they go out of scope, and its statuses as exceptions.
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "cli/options.h"
#include "molrt.h"

namespace molrt::cli {

template <auto free>
struct Free {
  void operator()(auto* handle) const { free(handle); }
};
using Context = std::unique_ptr<molrt_context, Free<molrt_context_free>>;
using Model = std::unique_ptr<molrt_model, Free<molrt_model_free>>;
using Batch = std::unique_ptr<molrt_batch, Free<molrt_batch_free>>;
using Settings = std::unique_ptr<molrt_settings, Free<molrt_settings_free>>;
using Job = std::unique_ptr<molrt_job, Free<molrt_job_free>>;
using Pretraining = std::unique_ptr<molrt_pretraining, Free<molrt_pretraining_free>>;
using Probe = std::unique_ptr<molrt_probe, Free<molrt_probe_free>>;

void check(int32_t status);  // throws molrt::Error with molrt_last_error()

// A struct of molrt.h as its molrt_*_init fills it.
template <typename Struct>
Struct defaults(int32_t (*init)(Struct*, size_t)) {
  Struct value;
  check(init(&value, sizeof value));
  return value;
}

// Which live as long as the texts.
std::vector<const char*> addresses(const std::vector<std::string>& texts);

class Progress;

Context make_context(int threads, Progress& progress);  // messages go to `progress`
// With the cache of conformers.
Context make_context(int threads, const ConformerOptions& options, Progress& progress);
Model open_model(molrt_context* context, const std::string& path, const OpenOptions& options);
Batch make_batch(molrt_context* context, const ConformerOptions& options);
molrt_run_options run_options(const RunOptions& options, Progress& progress);
void save_model(molrt_context* context, const molrt_model* model, const std::string& path,
                int32_t dtype);

molrt_model_info model_info(const molrt_model* model);
std::string describe(const molrt_model* model);  // JSON
std::string one_line(const molrt_model* model);  // "molecule, 15 layers, width 512 ..."
molrt_row get_row(const molrt_batch* batch, size_t row);
std::string row_status(const molrt_row& row);  // the source of its coordinates, or why it failed
std::string row_flags(const molrt_row& row);   // names joined by ';'
std::string row_smiles(const molrt_batch* batch, size_t row);  // canonical; empty if it has none

int32_t hydrogens_code(const std::string& name);
int32_t layout_code(const std::string& name);

// The text of a function with (buffer, capacity, needed), which may make it anew in each call: a
// second one only for a long text.
template <typename Function>
std::string read_text(Function&& function) {
  std::string text(4096, '\0');
  size_t needed = 0;
  int32_t status = function(text.data(), text.size(), &needed);
  if (status == MOLRT_ERROR_BUFFER_TOO_SMALL) {
    text.resize(needed);
    status = function(text.data(), text.size(), &needed);
  }
  check(status);
  text.resize(needed - 1);  // without NUL
  return text;
}

}  // namespace molrt::cli
