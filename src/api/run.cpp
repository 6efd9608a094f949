#include <cmath>

#include "api/guard.h"
#include "api/handles.h"

using namespace molrt;
using namespace molrt::api;

namespace {

const molrt_run_options defaults = {sizeof(molrt_run_options), 0, 0, 0, nullptr, nullptr,
                                    MOLRT_PRECISION_F32};

void require_count(const char* name, size_t count, size_t rows, size_t width) {
  if (count != rows * width)
    fail(MOLRT_ERROR_INVALID_ARGUMENT, "{} = {}: expected {} rows * {} = {}", name, count, rows,
         width, rows * width);
}

const Model& model_with_head(const molrt_model* model) {
  const Model& m = *require(model, "model").model;
  if (m.card().folds() == 0)
    fail(MOLRT_ERROR_STATE, "the model has no head to predict with; fine-tune it first");
  return m;
}

const molrt_uncertain_options uncertain_defaults = {sizeof(molrt_uncertain_options),
                                                    MOLRT_MODE_AUTO, 0, .9};
const molrt_uncertain_result no_arrays = {sizeof(molrt_uncertain_result),
                                          0,
                                          nullptr,
                                          nullptr,
                                          nullptr,
                                          nullptr,
                                          nullptr,
                                          nullptr,
                                          nullptr,
                                          nullptr,
                                          nullptr,
                                          nullptr};

UncertainOptions read_uncertain_options(const molrt_uncertain_options* user,
                                        const Uncertainty& of_model) {
  const auto o = read_struct(user, uncertain_defaults, "how");
  require_range("mode", o.mode, MOLRT_MODE_AUTO, MOLRT_MODE_MC);
  if (o.samples != 0) require_range("samples", o.samples, 2, most_samples);
  if (!(o.level > 0 && o.level < 1))
    fail(MOLRT_ERROR_INVALID_ARGUMENT, "level = {}: expected a number between 0 and 1, such as .9",
         o.level);
  UncertainOptions options{of_model.mode, o.samples ? o.samples : of_model.samples, o.level};
  if (o.mode != MOLRT_MODE_AUTO) options.mode = static_cast<PredictMode>(o.mode);
  if (o.samples != 0 && options.mode == PredictMode::deterministic)
    fail(
        MOLRT_ERROR_INVALID_ARGUMENT,
        "samples = {} would have no effect: a deterministic prediction has no passes with dropout; "
        "set mode to MC",
        o.samples);
  return options;
}

}  // namespace

namespace molrt::api {

bool tell_progress(const molrt_run_options& caller, molrt_progress progress) {
  progress.struct_size = sizeof progress;
  return caller.progress && caller.progress(caller.progress_user, &progress) != 0;
}

CallerRun read_run_options(const molrt_run_options* user, int threads,
                           std::shared_ptr<ConformerCache> cache) {
  CallerRun run{read_struct(user, defaults, "options"), {}};
  const molrt_run_options& o = run.caller;
  require_range("max_atoms", o.max_atoms, 0, largest_molecule);
  require_range("crop", o.crop, 0, 1);
  require_range("batch_size", o.batch_size, 0, 1 << 20);
  require_range("precision", o.precision, MOLRT_PRECISION_F32, MOLRT_PRECISION_BF16);
  run.options.precision = static_cast<Precision>(o.precision);
  if (const std::string reason = why_not(run.options.precision); !reason.empty())
    fail(MOLRT_ERROR_UNSUPPORTED, "precision {}", reason);
  run.options.threads = threads;
  run.options.cache = std::move(cache);
  run.options.max_atoms = o.max_atoms;
  run.options.crop = o.crop != 0;
  run.options.batch_size = o.batch_size;
  if (o.progress)
    run.options.progress = [o](int stage, size_t done, size_t total) {
      molrt_progress progress = {};
      progress.stage = stage;
      progress.done = done;
      progress.total = total;
      return tell_progress(o, progress);
    };
  return run;
}

CallerRun read_run_options(const molrt_run_options* user, const molrt_context* context) {
  const molrt_context& c = require(context, "context");
  return read_run_options(user, c.threads, c.cache);
}

}  // namespace molrt::api

int32_t molrt_run_options_init(molrt_run_options* options, size_t struct_size) {
  return init_struct(options, struct_size, defaults, "options");
}

int32_t molrt_batch_compute_conformers(molrt_context* context, molrt_batch* batch,
                                       const molrt_run_options* options) {
  return guarded([&] {
    const auto run = read_run_options(options, context);
    if (run.options.max_atoms || run.options.crop || run.options.batch_size ||
        run.options.precision != Precision::f32)
      fail(MOLRT_ERROR_INVALID_ARGUMENT,
           "max_atoms, crop, batch_size and precision have no effect without a model; the batch's "
           "own limit is in molrt_conformer_options");
    require(batch, "batch").batch.compute_conformers(run.options);
  });
}

int32_t molrt_batch_prepare(molrt_context* context, const molrt_model* model, molrt_batch* batch,
                            const molrt_run_options* options) {
  return guarded([&] {
    const auto run = read_run_options(options, context);
    require(batch, "batch").batch.prepare(*require(model, "model").model, run.options);
  });
}

int32_t molrt_predict(molrt_context* context, const molrt_model* model, molrt_batch* batch,
                      const molrt_run_options* options, float* mean, float* std, size_t count) {
  return guarded([&] {
    const auto run = read_run_options(options, context);
    Batch& b = require(batch, "batch").batch;
    const Model& m = model_with_head(model);
    require_count("count", count, b.size(), m.card().outputs());
    if (count) require(mean, "mean");
    b.predict(m, run.options, mean, std);
  });
}

int32_t molrt_uncertain_options_init(molrt_uncertain_options* options, size_t struct_size) {
  return init_struct(options, struct_size, uncertain_defaults, "options");
}

int32_t molrt_uncertain_result_init(molrt_uncertain_result* result, size_t struct_size) {
  return init_struct(result, struct_size, no_arrays, "result");
}

int32_t molrt_predict_uncertain(molrt_context* context, const molrt_model* model,
                                molrt_batch* batch, const molrt_run_options* options,
                                const molrt_uncertain_options* how, molrt_uncertain_result* result,
                                size_t count) {
  return guarded([&] {
    const auto run = read_run_options(options, context);
    Batch& b = require(batch, "batch").batch;
    const Model& m = model_with_head(model);
    const UncertainOptions u = read_uncertain_options(how, m.card().uncertainty);
    molrt_uncertain_result r = read_struct(&require(result, "result"), no_arrays, "result");
    require_count("count", count, b.size(), m.card().outputs());
    b.predict_uncertain(m, run.options, u,
                        {r.value, r.std, r.error, r.low, r.high, r.spread, r.gap, r.deterministic,
                         r.entropy, r.mutual_information});
    r.mode = static_cast<int32_t>(u.mode);
    write_struct(r, result, result->struct_size, "result");
  });
}

int32_t molrt_embed(molrt_context* context, const molrt_model* model, molrt_batch* batch,
                    const molrt_run_options* options, float* cls, size_t cls_count, float* atoms,
                    size_t atoms_count) {
  return guarded([&] {
    const auto run = read_run_options(options, context);
    const Model& m = *require(model, "model").model;
    Batch& b = require(batch, "batch").batch;
    const size_t width = m.card().architecture.width;
    if (cls) require_count("cls_count", cls_count, b.size(), width);
    b.embed(m, run.options, cls, atoms, atoms_count);
  });
}
