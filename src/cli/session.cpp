#include "cli/session.h"

#include <fmt/format.h>

#include <map>

#include "base/error.h"
#include "cli/conformer_cache.h"
#include "cli/progress.h"

namespace molrt::cli {
namespace {

void on_log(void* progress, int32_t level, const char* message) {
  static_cast<Progress*>(progress)->log(level, message);
}

int32_t on_progress(void* progress, const molrt_progress* state) {
  return static_cast<Progress*>(progress)->update(*state);
}

const char* task_name(int32_t task) {
  switch (task) {
    case MOLRT_TASK_BINARY:
      return "binary";
    case MOLRT_TASK_MULTICLASS:
      return "multiclass";
    case MOLRT_TASK_MULTILABEL:
      return "multilabel";
    default:
      return "regression";
  }
}

}  // namespace

std::vector<const char*> addresses(const std::vector<std::string>& texts) {
  std::vector<const char*> addresses;
  for (const auto& text : texts) addresses.push_back(text.c_str());
  return addresses;
}

void check(int32_t status) {
  if (status != MOLRT_OK) throw Error(status, molrt_last_error());
}

Context make_context(int threads, Progress& progress) {
  auto options = defaults(molrt_context_options_init);
  options.threads = threads;
  options.log = on_log;
  options.log_user = &progress;
  molrt_context* context = nullptr;
  check(molrt_context_create(&options, &context));
  return Context(context);
}

Context make_context(int threads, const ConformerOptions& options, Progress& progress) {
  Context context = make_context(threads, progress);
  use_conformer_cache(context.get(), options.cache, progress);
  return context;
}

int32_t hydrogens_code(const std::string& name) {
  return std::map<std::string, int32_t>{
      {"auto", MOLRT_HYDROGENS_AUTO}, {"all", MOLRT_HYDROGENS_ALL}, {"none", MOLRT_HYDROGENS_NONE}}
      .at(name);
}

int32_t layout_code(const std::string& name) {
  return std::map<std::string, int32_t>{{"auto", MOLRT_LAYOUT_AUTO},
                                        {"file-order", MOLRT_LAYOUT_FILE_ORDER},
                                        {"specials-first", MOLRT_LAYOUT_SPECIALS_FIRST}}
      .at(name);
}

Model open_model(molrt_context* context, const std::string& path, const OpenOptions& options) {
  auto open = defaults(molrt_open_options_init);
  open.hydrogens = hydrogens_code(options.hydrogens);
  open.layout = layout_code(options.layout);
  open.max_atoms = options.max_atoms;
  open.fold = options.fold;
  if (!options.dictionary.empty()) open.dictionary_path = options.dictionary.c_str();
  molrt_model* model = nullptr;
  check(molrt_model_open(context, path.c_str(), &open, &model));
  return Model(model);
}

Batch make_batch(molrt_context* context, const ConformerOptions& options) {
  auto conformers = defaults(molrt_conformer_options_init);
  conformers.ladder = options.ladder == "peer" ? MOLRT_LADDER_PEER : MOLRT_LADDER_DEFAULT;
  conformers.seed = options.seed;
  conformers.max_atoms = options.max_atoms;
  conformers.time_limit = options.time_limit;
  conformers.count = options.count;
  conformers.flat = options.flat;
  conformers.canonical = options.canonical;
  molrt_batch* batch = nullptr;
  check(molrt_batch_create(context, &conformers, &batch));
  return Batch(batch);
}

namespace {

int32_t precision_code(const std::string& name) {
  return name == "bf16"    ? MOLRT_PRECISION_BF16
         : name == "split" ? MOLRT_PRECISION_SPLIT
                           : MOLRT_PRECISION_F32;
}

}  // namespace

molrt_run_options run_options(const RunOptions& options, Progress& progress) {
  auto run = defaults(molrt_run_options_init);
  run.crop = options.crop;
  run.batch_size = options.batch_size;
  run.precision = precision_code(options.precision);
  run.progress = on_progress;
  run.progress_user = &progress;
  return run;
}

void save_model(molrt_context* context, const molrt_model* model, const std::string& path,
                int32_t dtype) {
  auto save = defaults(molrt_save_options_init);
  save.dtype = dtype;
  check(molrt_model_save(context, model, path.c_str(), &save));
}

molrt_model_info model_info(const molrt_model* model) {
  auto info = defaults(molrt_model_info_init);
  check(molrt_model_get_info(model, &info));
  return info;
}

std::string describe(const molrt_model* model) {
  return read_text([&](char* buffer, size_t capacity, size_t* needed) {
    return molrt_model_describe(model, buffer, capacity, needed);
  });
}

std::string one_line(const molrt_model* model) {
  const auto info = model_info(model);
  auto text = fmt::format("{}, {} layers, width {}, {:.1f} M parameters",
                          info.kernel == MOLRT_KERNEL_LINEAR ? "oled" : "molecule", info.layers,
                          info.width, static_cast<double>(info.parameters) / 1e6);
  if (info.head == MOLRT_HEAD_NONE) return text + ", no head";
  return text + fmt::format(", {} {} head, {} output{}, {} fold{}", task_name(info.task),
                            info.head == MOLRT_HEAD_POOLED ? "pooled" : "linear", info.outputs,
                            info.outputs == 1 ? "" : "s", info.folds, info.folds == 1 ? "" : "s");
}

molrt_row get_row(const molrt_batch* batch, size_t row) {
  auto out = defaults(molrt_row_init);
  check(molrt_batch_get_row(batch, row, &out));
  return out;
}

std::string row_status(const molrt_row& row) {
  return row.status == MOLRT_ROW_OK ? molrt_source_name(row.source)
                                    : molrt_row_status_name(row.status);
}

std::string row_flags(const molrt_row& row) {
  std::string names;
  for (uint32_t flags = row.flags; flags != 0; flags &= flags - 1) {
    if (!names.empty()) names += ';';
    names += molrt_flag_name(flags & -flags);
  }
  return names;
}

std::string row_smiles(const molrt_batch* batch, size_t row) {
  return read_text([&](char* buffer, size_t capacity, size_t* needed) -> int32_t {
    const int32_t status = molrt_batch_get_smiles(batch, row, buffer, capacity, needed);
    if (status != MOLRT_ERROR_STATE) return status;
    *needed = 1;  // it has none: an empty text
    return MOLRT_OK;
  });
}

}  // namespace molrt::cli
