#include "pretrain/pretraining.h"

#include <algorithm>

#include "api/guard.h"
#include "api/handles.h"
#include "base/text.h"
#include "report/pretraining_page.h"

using namespace molrt;
using namespace molrt::api;

struct molrt_pretraining {
  int threads;
  Pretraining run;
};

namespace {

const molrt_added no_molecules = {sizeof(molrt_added), 0, 0, 0, 0};

std::vector<std::string> read_targets(const char* const* names, size_t count) {
  if (count > most_targets)
    fail(MOLRT_ERROR_INVALID_ARGUMENT, "target_count = {}: expected at most {}", count,
         most_targets);
  std::vector<std::string> targets = read_target_names(names, count);
  if (std::find(targets.begin(), targets.end(), "") != targets.end())
    fail(MOLRT_ERROR_INVALID_ARGUMENT, "a target name is empty");
  return targets;
}

Pretraining& not_started(molrt_pretraining* pretraining) {
  Pretraining& run = require(pretraining, "pretraining").run;
  if (run.started())
    fail(MOLRT_ERROR_STATE, "the pre-training has run already; create another one");
  return run;
}

const Pretraining& finished(const molrt_pretraining* pretraining) {
  const Pretraining& run = require(pretraining, "pretraining").run;
  if (!run.done()) fail(MOLRT_ERROR_STATE, "the pre-training has not run");
  return run;
}

// Before anything is added.
void check_added(const molrt_added* added) {
  if (added) check_struct_size("added", added->struct_size);
}

void tell(const Corpus::Added& added, molrt_added* out) {
  if (!out) return;
  molrt_added counts = no_molecules;
  counts.used = added.used;
  counts.excluded = added.excluded;
  counts.unusable = added.unusable;
  write_struct(counts, out, out->struct_size, "added");
}

molrt_progress progress_of(size_t molecules, size_t of_archive) {
  molrt_progress progress = {};
  progress.stage = MOLRT_STAGE_READING;
  progress.done = molecules;
  progress.total = of_archive;
  return progress;
}

molrt_progress progress_of(const PretrainProgress& p) {
  molrt_progress progress = {};
  progress.stage = MOLRT_STAGE_PRETRAINING;
  progress.done = p.records;
  progress.total = p.planned_records;
  progress.train_loss = p.loss;
  progress.valid_loss = p.held_out_loss;
  progress.step = p.step;
  progress.steps = p.steps;
  progress.learning_rate = p.lr;
  progress.train_rows = p.molecules;
  progress.held_out_rows = p.held_out;
  progress.part = static_cast<double>(p.step) / static_cast<double>(p.steps);
  return progress;
}

CallerRun progress_only(const molrt_run_options* options, int threads) {
  const CallerRun run = read_run_options(options, threads, nullptr);
  const molrt_run_options& o = run.caller;
  if (o.max_atoms != 0 || o.crop != 0 || o.batch_size != 0 || o.precision != MOLRT_PRECISION_F32)
    fail(MOLRT_ERROR_INVALID_ARGUMENT,
         "max_atoms, crop, batch_size and precision of the run options have no effect on a "
         "pre-training; it has settings");
  return run;
}

}  // namespace

size_t molrt_pretraining_settings_count(void) {
  try {
    return pretrain_settings_table().size();
  } catch (...) {
    return 0;
  }
}

int32_t molrt_pretraining_settings_describe(size_t index, molrt_setting_info* info) {
  return guarded([&] { write_setting(pretrain_settings_table(), index, info); });
}

int32_t molrt_pretraining_settings_create(molrt_settings** settings) {
  return guarded([&] {
    require(settings, "settings") = nullptr;
    *settings = new molrt_settings{Settings(pretrain_settings_table())};
  });
}

int32_t molrt_added_init(molrt_added* added, size_t struct_size) {
  return init_struct(added, struct_size, no_molecules, "added");
}

int32_t molrt_pretraining_create(molrt_context* context, const molrt_model* start,
                                 const molrt_settings* settings, const char* const* target_names,
                                 size_t target_count, molrt_pretraining** pretraining) {
  return guarded([&] {
    require(pretraining, "pretraining") = nullptr;
    const int threads = require(context, "context").threads;
    const auto& model = require(start, "start").model;
    if (settings && &settings->settings.table() != &pretrain_settings_table())
      fail(MOLRT_ERROR_INVALID_ARGUMENT,
           "settings: expected those of molrt_pretraining_settings_create");
    *pretraining = new molrt_pretraining{
        threads, Pretraining(model, read_targets(target_names, target_count),
                             settings ? settings->settings : Settings(pretrain_settings_table()))};
  });
}

void molrt_pretraining_free(molrt_pretraining* pretraining) { delete pretraining; }

int32_t molrt_pretraining_exclude(molrt_pretraining* pretraining, const char* smiles) {
  return guarded([&] { not_started(pretraining).exclude(&require(smiles, "smiles")); });
}

int32_t molrt_pretraining_add_archive(molrt_pretraining* pretraining, const char* path,
                                      const molrt_run_options* options, molrt_added* added) {
  return guarded([&] {
    Pretraining& run = not_started(pretraining);
    const std::string archive = &require(path, "path");
    check_added(added);
    const CallerRun caller = progress_only(options, pretraining->threads);
    const auto progress = [&](size_t done, size_t total) {
      return tell_progress(caller.caller, progress_of(done, total));
    };
    tell(run.add_archive(archive, pretraining->threads, progress), added);
  });
}

int32_t molrt_pretraining_add_batch(molrt_pretraining* pretraining, const molrt_batch* batch,
                                    const float* labels, size_t count, molrt_added* added) {
  return guarded([&] {
    Pretraining& run = not_started(pretraining);
    const Batch& molecules = require(batch, "batch").batch;
    check_added(added);
    if (labels && count != molecules.size() * run.targets().size())
      fail(MOLRT_ERROR_INVALID_ARGUMENT, "count = {}: expected {} rows * {} targets", count,
           molecules.size(), run.targets().size());
    tell(run.add_batch(molecules, {labels, labels ? count : 0}, pretraining->threads), added);
  });
}

int32_t molrt_pretraining_set_checkpoint(molrt_pretraining* pretraining, const char* directory,
                                         int32_t resume) {
  return guarded([&] {
    Pretraining& run = not_started(pretraining);
    run.set_checkpoint(read_directory(directory, resume), resume == 1);
  });
}

int32_t molrt_pretraining_remove_checkpoint(molrt_pretraining* pretraining) {
  return guarded([&] { require(pretraining, "pretraining").run.remove_checkpoint(); });
}

int32_t molrt_pretraining_run(molrt_pretraining* pretraining, const molrt_run_options* options) {
  return guarded([&] {
    Pretraining& run = not_started(pretraining);
    const CallerRun caller = progress_only(options, pretraining->threads);
    run.run(pretraining->threads, [&](const PretrainProgress& p) {
      return tell_progress(caller.caller, progress_of(p));
    });
  });
}

int32_t molrt_pretraining_cancel(molrt_pretraining* pretraining) {
  return guarded([&] { require(pretraining, "pretraining").run.cancel(); });
}

int32_t molrt_pretraining_get_model(const molrt_pretraining* pretraining, molrt_model** model) {
  return guarded([&] {
    require(model, "model") = nullptr;
    *model = new molrt_model{finished(pretraining).model()};
  });
}

int32_t molrt_pretraining_get_report(const molrt_pretraining* pretraining, char* buffer,
                                     size_t capacity, size_t* needed) {
  return guarded([&] { write_text(finished(pretraining).report(), buffer, capacity, needed); });
}

int32_t molrt_pretraining_get_html(const molrt_pretraining* pretraining, char* buffer,
                                   size_t capacity, size_t* needed) {
  return guarded(
      [&] { write_text(pretraining_page(finished(pretraining)), buffer, capacity, needed); });
}
