#include "api/guard.h"
#include "api/handles.h"
#include "base/text.h"
#include "report/probe_page.h"

using namespace molrt;
using namespace molrt::api;

struct molrt_probe {
  ProbeResult result;
  std::string report, title;
};

namespace {

const molrt_probe_options defaults = {
    sizeof(molrt_probe_options), 0, nullptr, 0, nullptr, 0, 0, nullptr};
constexpr uint32_t both = MOLRT_ATTRIBUTION_GOLD | MOLRT_ATTRIBUTION_ABS;
constexpr size_t most_values = 10000;

template <typename T>
std::vector<T> read_list(const char* name, const T* values, size_t count) {
  if (values ? count > most_values : count > 0)
    fail(MOLRT_ERROR_INVALID_ARGUMENT, "{}_count = {}: expected {}", name, count,
         values ? "at most 10000" : "0 where there are none");
  return {values, values + count};
}

std::vector<ProbeAttribution> read_attributions(uint32_t flags) {
  if (flags & ~both)
    fail(MOLRT_ERROR_INVALID_ARGUMENT, "attributions = {}: expected MOLRT_ATTRIBUTION_*, or-ed",
         flags);
  std::vector<ProbeAttribution> list;
  for (const auto each : {ProbeAttribution::gold, ProbeAttribution::abs})
    if ((flags == 0 ? both : flags) & static_cast<uint32_t>(each)) list.push_back(each);
  return list;
}

const Model& model_with_head(const molrt_model* model) {
  const Model& m = *require(model, "model").model;
  if (m.card().folds() == 0)
    fail(MOLRT_ERROR_STATE, "the model has no head to predict with; fine-tune it first");
  return m;
}

ProbeOptions read_options(const molrt_probe_options& o, const Model& model) {
  const Architecture& architecture = model.card().architecture;
  ProbeOptions options{read_list("layer", o.layers, o.layer_count),
                       read_list("rate", o.rates, o.rate_count), read_attributions(o.attributions),
                       o.seed};
  if (!o.layers) options.layers = usual_probe_layers(architecture.layers);
  if (!o.rates) options.rates = usual_probe_rates();
  return checked(options, architecture);
}

std::string read_title(const char* title) {
  const std::string text = title ? title : "";
  if (!is_utf8(text)) fail(MOLRT_ERROR_INVALID_ARGUMENT, "title {} is not UTF-8", in_quotes(text));
  return text;
}

// NULL targets are fine for no rows.
std::span<const double> read_targets(const Model& model, const Batch& batch, const double* targets,
                                     size_t count) {
  const std::vector<std::string> names = probe_target_names(model.card());
  if (count != names.size())
    fail(MOLRT_ERROR_INVALID_ARGUMENT, "target_count = {}: the model has {} target{}", count,
         names.size(), names.size() == 1 ? "" : "s");
  if (batch.size() > 0) require(targets, "targets");
  return {targets, batch.size() * count};
}

}  // namespace

int32_t molrt_probe_options_init(molrt_probe_options* options, size_t struct_size) {
  return init_struct(options, struct_size, defaults, "options");
}

int32_t molrt_probe_get_passes(const molrt_model* model, const molrt_probe_options* how,
                               double* passes) {
  return guarded([&] {
    require(passes, "passes");
    const Model& m = model_with_head(model);
    *passes = probe_passes(m, read_options(read_struct(how, defaults, "how"), m));
  });
}

int32_t molrt_probe_run(molrt_context* context, const molrt_model* model, molrt_batch* batch,
                        const double* targets, size_t target_count,
                        const molrt_run_options* options, const molrt_probe_options* how,
                        molrt_probe** probe) {
  return guarded([&] {
    require(probe, "probe") = nullptr;
    const auto run = read_run_options(options, context);
    if (run.options.precision != Precision::f32)
      fail(MOLRT_ERROR_UNSUPPORTED, "precision {}: a probe runs in f32",
           precision_name(run.options.precision));
    const Model& m = model_with_head(model);
    Batch& b = require(batch, "batch").batch;
    const molrt_probe_options o = read_struct(how, defaults, "how");
    const std::string title = read_title(o.title);
    const auto labels = read_targets(m, b, targets, target_count);
    ProbeResult result = run_probe({m, b, labels}, read_options(o, m), run.options);
    std::string report = probe_json(result);
    *probe = new molrt_probe{std::move(result), std::move(report), title};
  });
}

void molrt_probe_free(molrt_probe* probe) { delete probe; }

int32_t molrt_probe_get_report(const molrt_probe* probe, char* buffer, size_t capacity,
                               size_t* needed) {
  return guarded([&] { write_text(require(probe, "probe").report, buffer, capacity, needed); });
}

int32_t molrt_probe_get_html(const molrt_probe* probe, char* buffer, size_t capacity,
                             size_t* needed) {
  return guarded([&] {
    const molrt_probe& p = require(probe, "probe");
    write_text(probe_page(p.result, p.title), buffer, capacity, needed);
  });
}
