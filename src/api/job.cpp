#include <ctime>

#include "api/guard.h"
#include "api/handles.h"
#include "base/text.h"
#include "report/html_report.h"
#include "report/job_report.h"
#include "train/given_parts.h"

using namespace molrt;
using namespace molrt::api;

namespace {

// Its columns can be set until it runs.
RowColumns& open_columns(molrt_job* job) {
  Job& j = require(job, "job").job;
  if (j.started()) fail(MOLRT_ERROR_STATE, "the job has run already; columns are set before");
  return j.columns();
}

// `values` [count], for a job of as many rows.
template <typename T>
std::span<const T> column(const molrt_job& job, const char* name, const T* values, size_t count) {
  const size_t rows = job.job.batch().size();
  if (count != rows)
    fail(MOLRT_ERROR_INVALID_ARGUMENT, "count = {}: expected one of {} for each of the {} rows",
         count, name, rows);
  require(values, name);
  return {values, count};
}

const HeadTrainingResult& finished(const molrt_job* job) {
  const Job& j = require(job, "job").job;
  if (!j.done()) fail(MOLRT_ERROR_STATE, "the job has not run to its end");
  return j.result();
}

molrt_progress training_progress(const TrainingProgress& p) {
  molrt_progress progress = {};
  progress.stage = MOLRT_STAGE_TRAINING;
  progress.done = p.done;
  progress.total = p.total;
  progress.fold = p.fold;
  progress.folds = p.folds;
  progress.epoch = p.epoch;
  progress.epochs = p.epochs;
  progress.train_loss = p.train_loss;
  progress.valid_loss = p.valid_loss;
  progress.step = p.step;
  progress.steps = p.steps;
  progress.valid_metric = p.valid_metric;
  progress.metric_name = p.metric_name;
  progress.learning_rate = p.learning_rate;
  progress.train_rows = p.train_rows;
  progress.held_out_rows = p.held_out_rows;
  progress.part = p.part;
  progress.mc_pass = p.pass;
  progress.mc_passes = p.passes;
  return progress;
}

std::string now_in_words() {
  const std::time_t now = std::time(nullptr);
  std::tm utc;
  char text[sizeof "2000-01-01 00:00 UTC"];
  if (!gmtime_r(&now, &utc) || !std::strftime(text, sizeof text, "%Y-%m-%d %H:%M UTC", &utc))
    return "";
  return text;
}

}  // namespace

std::vector<std::string> molrt::api::read_target_names(const char* const* names, size_t count) {
  std::vector<std::string> list;
  for (size_t i = 0; i < count; ++i) {
    list.emplace_back(&require((&require(names, "target_names"))[i], "a target name"));
    if (!is_utf8(list.back()))
      fail(MOLRT_ERROR_INVALID_ARGUMENT, "target name {} is not UTF-8", in_quotes(list.back()));
    if (std::find(list.begin(), list.end() - 1, list.back()) != list.end() - 1)
      fail(MOLRT_ERROR_INVALID_ARGUMENT, "target name {} is there twice", in_quotes(list.back()));
  }
  return list;
}

std::string molrt::api::read_directory(const char* directory, int32_t resume) {
  require_range("resume", resume, 0, 1);
  const std::string path = &require(directory, "directory");
  if (path.empty()) fail(MOLRT_ERROR_INVALID_ARGUMENT, "directory is empty");
  return path;
}

int32_t molrt_job_create(molrt_context* context, const molrt_model* base, const molrt_batch* batch,
                         const double* targets, size_t target_count,
                         const char* const* target_names, const molrt_settings* settings,
                         molrt_job** job) {
  return guarded([&] {
    require(job, "job") = nullptr;
    const molrt_context& c = require(context, "context");
    const auto& model = require(base, "base").model;
    const Batch& molecules = require(batch, "batch").batch;
    if (static_cast<size_t>(molecules.sampling().count) > most_training_conformers)
      fail(MOLRT_ERROR_UNSUPPORTED,
           "training takes at most {} conformers a molecule, and the batch makes {}",
           most_training_conformers, molecules.sampling().count);
    require_range("target_count", static_cast<int64_t>(std::min<size_t>(target_count, INT32_MAX)),
                  1, most_targets);
    require(targets, "targets");
    if (settings && &settings->settings.table() != &settings_table())
      fail(MOLRT_ERROR_INVALID_ARGUMENT, "settings: expected those of molrt_settings_create");
    TrainingTable table{{targets, targets + molecules.size() * target_count},
                        target_names ? read_target_names(target_names, target_count)
                                     : default_target_names(static_cast<int>(target_count)),
                        std::vector<std::string>(target_count)};
    *job = new molrt_job{
        c.threads, c.cache,
        Job(model, molecules, std::move(table), settings ? settings->settings : Settings()), "",
        ""};
  });
}

void molrt_job_free(molrt_job* job) { delete job; }

int32_t molrt_job_set_unit(molrt_job* job, int32_t index, const char* unit) {
  return guarded([&] {
    Job& j = require(job, "job").job;
    const std::string text = &require(unit, "unit");
    require_range("index", index, 0, static_cast<int64_t>(j.targets()) - 1);
    if (!is_utf8(text)) fail(MOLRT_ERROR_INVALID_ARGUMENT, "unit {} is not UTF-8", in_quotes(text));
    if (j.started()) fail(MOLRT_ERROR_STATE, "the job has run already; units are set before");
    j.set_unit(static_cast<size_t>(index), text);
  });
}

int32_t molrt_job_set_checkpoint(molrt_job* job, const char* directory, int32_t resume) {
  return guarded([&] {
    Job& j = require(job, "job").job;
    if (j.started()) fail(MOLRT_ERROR_STATE, "the job has run already");
    j.set_checkpoint(read_directory(directory, resume), resume == 1);
  });
}

int32_t molrt_job_remove_checkpoint(molrt_job* job) {
  return guarded([&] { require(job, "job").job.remove_checkpoint(); });
}

int32_t molrt_job_set_weights(molrt_job* job, const double* weights, size_t count) {
  return guarded([&] {
    RowColumns& columns = open_columns(job);
    const auto given = column(*job, "weights", weights, count);
    columns.set_weights({given.begin(), given.end()});
  });
}

int32_t molrt_job_set_groups(molrt_job* job, const char* const* groups, size_t count) {
  return guarded([&] {
    RowColumns& columns = open_columns(job);
    std::vector<std::string> names;
    for (const char* name : column(*job, "groups", groups, count))
      names.emplace_back(&require(name, "a group"));
    columns.set_groups(std::move(names));
  });
}

int32_t molrt_job_set_parts(molrt_job* job, const int32_t* parts, size_t count) {
  return guarded([&] {
    RowColumns& columns = open_columns(job);
    const auto given = column(*job, "parts", parts, count);
    columns.set_parts({given.begin(), given.end()});
  });
}

int32_t molrt_part_of_word(const char* word, int32_t* part) {
  return guarded([&] {
    require(part, "part");
    *part = part_of_word(&require(word, "word"));
  });
}

int32_t molrt_job_run(molrt_job* job, const molrt_run_options* options) {
  return guarded([&] {
    Job& j = require(job, "job").job;
    if (j.started()) fail(MOLRT_ERROR_STATE, "the job has run already; create another one");
    const auto run = read_run_options(options, job->threads, job->cache);
    if (run.options.precision != Precision::f32)
      fail(MOLRT_ERROR_INVALID_ARGUMENT,
           "precision of the run options has no effect on a job: set the setting 'precision'");
    job->begun = now_in_words();
    j.run(run.options, [&](const TrainingProgress& p) {
      return tell_progress(run.caller, training_progress(p));
    });
  });
}

int32_t molrt_job_get_settings(const molrt_job* job, char* buffer, size_t capacity,
                               size_t* needed) {
  return guarded(
      [&] { write_text(require(job, "job").job.settings().to_json(), buffer, capacity, needed); });
}

int32_t molrt_job_get_counted(const molrt_job* job, char* buffer, size_t capacity, size_t* needed) {
  return guarded([&] { write_text(require(job, "job").job.counted(), buffer, capacity, needed); });
}

int32_t molrt_job_set_unlabelled(molrt_job* job, const molrt_batch* batch) {
  return guarded([&] {
    Job& j = require(job, "job").job;
    const Batch& molecules = require(batch, "batch").batch;
    if (j.started()) fail(MOLRT_ERROR_STATE, "the job has run already; molecules are set before");
    if (static_cast<size_t>(molecules.sampling().count) > most_training_conformers)
      fail(MOLRT_ERROR_UNSUPPORTED,
           "training takes at most {} conformers a molecule, and the batch makes {}",
           most_training_conformers, molecules.sampling().count);
    j.set_unlabelled(molecules);
  });
}

int32_t molrt_job_cancel(molrt_job* job) {
  return guarded([&] { require(job, "job").job.cancel(); });
}

int32_t molrt_job_get_model(const molrt_job* job, molrt_model** model) {
  return guarded([&] {
    require(model, "model") = nullptr;
    finished(job);
    *model = new molrt_model{job->job.model()};
  });
}

int32_t molrt_job_get_report(const molrt_job* job, char* buffer, size_t capacity, size_t* needed) {
  return guarded([&] { write_text(finished(job).report, buffer, capacity, needed); });
}

int32_t molrt_job_get_html(const molrt_job* job, char* buffer, size_t capacity, size_t* needed) {
  return guarded([&] {
    finished(job);
    write_text(html_report(report_data(job->job, job->title, job->begun)), buffer, capacity,
               needed);
  });
}

int32_t molrt_job_set_title(molrt_job* job, const char* title) {
  return guarded([&] { require(job, "job").title = title ? title : ""; });
}

int32_t molrt_job_get_held_out(const molrt_job* job, float* predictions, size_t count) {
  return guarded([&] {
    const auto& held_out = finished(job).held_out;
    if (count != held_out.size())
      fail(MOLRT_ERROR_INVALID_ARGUMENT, "count = {}: expected rows * outputs = {}", count,
           held_out.size());
    std::copy(held_out.begin(), held_out.end(), &require(predictions, "predictions"));
  });
}

int32_t molrt_job_get_parts(const molrt_job* job, int32_t* parts, size_t count) {
  return guarded([&] {
    const std::vector<int32_t>& used = finished(job).parts;
    if (count != used.size())
      fail(MOLRT_ERROR_INVALID_ARGUMENT, "count = {}: the job has {} rows", count, used.size());
    std::copy(used.begin(), used.end(), &require(parts, "parts"));
  });
}

int32_t molrt_job_get_held_out_errors(const molrt_job* job, float* error, float* low, float* high,
                                      size_t count) {
  return guarded([&] {
    const HeadTrainingResult& result = finished(job);
    if (count != result.error.size())
      fail(MOLRT_ERROR_INVALID_ARGUMENT, "count = {}: expected rows * outputs = {}", count,
           result.error.size());
    const std::pair<const std::vector<float>*, float*> arrays[] = {
        {&result.error, error}, {&result.low, low}, {&result.high, high}};
    for (const auto& [from, to] : arrays)
      if (to) std::copy(from->begin(), from->end(), to);
  });
}

int32_t molrt_job_get_row(const molrt_job* job, size_t row, molrt_row* out) {
  return guarded([&] {
    const Batch& batch = require(job, "job").job.batch();
    if (row >= batch.size())
      fail(MOLRT_ERROR_INVALID_ARGUMENT, "row = {}: the job has {} rows", row, batch.size());
    fill_row(batch, row, out);
  });
}

const char* molrt_job_row_message(const molrt_job* job, size_t row) {
  if (!job || row >= job->job.batch().size()) return "";
  return job->job.batch().message(row).c_str();
}
