#include <cmath>

#include "api/guard.h"
#include "api/handles.h"
#include "io/model_file.h"
#include "io/shipped_models.h"
#include "model/initialise.h"

using namespace molrt;
using namespace molrt::api;

namespace {

const molrt_open_options open_defaults = {
    sizeof(molrt_open_options), MOLRT_HYDROGENS_AUTO, MOLRT_LAYOUT_AUTO, 0, nullptr, -1};
const molrt_save_options save_defaults = {sizeof(molrt_save_options), MOLRT_DTYPE_KEEP};

molrt_architecture architecture_defaults() {
  molrt_architecture a = {};
  a.struct_size = sizeof a;
  a.kernel = MOLRT_KERNEL_GAUSSIAN;
  return a;
}

molrt_model_info info_defaults() {
  molrt_model_info info = {};
  info.struct_size = sizeof info;
  return info;
}

std::optional<Hydrogens> read_hydrogens(int32_t value) {
  require_range("hydrogens", value, MOLRT_HYDROGENS_AUTO, MOLRT_HYDROGENS_NONE);
  if (value == MOLRT_HYDROGENS_AUTO) return std::nullopt;
  return static_cast<Hydrogens>(value);
}

std::optional<TokenLayout> read_layout(int32_t value) {
  require_range("layout", value, MOLRT_LAYOUT_AUTO, MOLRT_LAYOUT_SPECIALS_FIRST);
  if (value == MOLRT_LAYOUT_AUTO) return std::nullopt;
  return static_cast<TokenLayout>(value);
}

OpenOptions read_open_options(const molrt_open_options* user) {
  const auto o = read_struct(user, open_defaults, "options");
  require_range("max_atoms", o.max_atoms, 0, largest_molecule);
  OpenOptions options;
  options.hydrogens = read_hydrogens(o.hydrogens);
  options.layout = read_layout(o.layout);
  if (o.max_atoms) options.max_atoms = o.max_atoms;
  if (o.dictionary_path) options.dictionary_path = o.dictionary_path;
  require_range("fold", o.fold, -1, INT32_MAX);
  if (o.fold >= 0) options.fold = o.fold;
  return options;
}

std::optional<Dtype> read_dtype(int32_t value) {
  switch (value) {
    case MOLRT_DTYPE_KEEP:
      return std::nullopt;
    case MOLRT_DTYPE_F32:
      return Dtype::f32;
    case MOLRT_DTYPE_F16:
      return Dtype::f16;
    case MOLRT_DTYPE_BF16:
      return Dtype::bf16;
    default:
      fail(MOLRT_ERROR_INVALID_ARGUMENT, "dtype = {}: expected MOLRT_DTYPE_*", value);
  }
}

// From a ByteSource or a path.
template <typename From>
molrt_model* open(const molrt_context& context, From& from, const molrt_open_options* options) {
  const auto log = [&](int32_t level, const std::string& text) { context.tell(level, text); };
  return new molrt_model{
      std::make_shared<Model>(open_model(from, read_open_options(options), log))};
}

Architecture read_architecture(const molrt_architecture& a) {
  require_range("kernel", a.kernel, MOLRT_KERNEL_GAUSSIAN, MOLRT_KERNEL_LINEAR);
  Architecture architecture = official_architecture(static_cast<PairKernel>(a.kernel));
  if (a.layers) architecture.layers = a.layers;
  if (a.width) architecture.width = a.width;
  if (a.ffn) architecture.ffn = a.ffn;
  if (a.heads) architecture.heads = a.heads;
  return architecture;
}

Hydrogens default_hydrogens(int32_t kernel) {
  return kernel == MOLRT_KERNEL_GAUSSIAN ? Hydrogens::all : Hydrogens::none;
}

molrt_model_info describe(const Model& model) {
  const ModelCard& card = model.card();
  const Architecture& a = card.architecture;
  molrt_model_info info = info_defaults();
  info.kernel = static_cast<int32_t>(a.kernel);
  info.layers = a.layers;
  info.width = a.width;
  info.ffn = a.ffn;
  info.heads = a.heads;
  info.vocabulary = a.vocabulary;
  info.hydrogens = static_cast<int32_t>(card.hydrogens);
  info.layout = static_cast<int32_t>(card.layout);
  info.max_atoms = card.max_atoms;
  info.head = card.folds() ? static_cast<int32_t>(card.head) : MOLRT_HEAD_NONE;
  info.outputs = card.outputs();
  info.folds = card.folds();
  info.parameters = model.parameters();
  info.bytes_read = static_cast<int64_t>(model.bytes_read);
  info.task = static_cast<int32_t>(card.task);
  info.encoders = static_cast<int32_t>(model.encoders());
  info.inputs = static_cast<int32_t>(card.inputs.size());
  if (card.folds() == 0) return info;
  info.mode = static_cast<int32_t>(card.uncertainty.mode);
  info.calibration = static_cast<int32_t>(card.uncertainty.kind);
  info.mc_samples = card.uncertainty.noise.any() ? card.uncertainty.samples : 0;
  return info;
}

}  // namespace

int32_t molrt_open_options_init(molrt_open_options* options, size_t struct_size) {
  return init_struct(options, struct_size, open_defaults, "options");
}
int32_t molrt_architecture_init(molrt_architecture* architecture, size_t struct_size) {
  return init_struct(architecture, struct_size, architecture_defaults(), "architecture");
}
int32_t molrt_model_info_init(molrt_model_info* info, size_t struct_size) {
  return init_struct(info, struct_size, info_defaults(), "info");
}
int32_t molrt_save_options_init(molrt_save_options* options, size_t struct_size) {
  return init_struct(options, struct_size, save_defaults, "options");
}

int32_t molrt_model_open(molrt_context* context, const char* path,
                         const molrt_open_options* options, molrt_model** model) {
  return guarded([&] {
    require(model, "model") = nullptr;
    const molrt_context& c = require(context, "context");
    const std::string file = &require(path, "path");
    *model = open(c, file, options);
  });
}

int32_t molrt_model_find(const char* path, char* buffer, size_t capacity, size_t* needed) {
  return guarded([&] { write_text(find_model(&require(path, "path")), buffer, capacity, needed); });
}

int32_t molrt_model_open_memory(molrt_context* context, const void* data, size_t size,
                                const molrt_open_options* options, molrt_model** model) {
  return guarded([&] {
    require(model, "model") = nullptr;
    const molrt_context& c = require(context, "context");
    const auto* bytes = &require(static_cast<const std::byte*>(data), "data");
    const auto source = ByteSource::copy_memory({bytes, size}, "memory");
    *model = open(c, *source, options);
  });
}

int32_t molrt_model_create_untrained(molrt_context* context, const molrt_architecture* architecture,
                                     molrt_model** model) {
  return guarded([&] {
    require(model, "model") = nullptr;
    require(context, "context");
    const auto a = read_struct(architecture, architecture_defaults(), "architecture");
    const auto hydrogens = read_hydrogens(a.hydrogens).value_or(default_hydrogens(a.kernel));
    const auto layout = read_layout(a.layout).value_or(TokenLayout::file_order);
    *model = new molrt_model{
        std::make_shared<Model>(initialise_model(read_architecture(a), hydrogens, layout, a.seed))};
  });
}

int32_t molrt_model_save(molrt_context* context, const molrt_model* model, const char* path,
                         const molrt_save_options* options) {
  return guarded([&] {
    require(context, "context");
    const auto o = read_struct(options, save_defaults, "options");
    save_model(*require(model, "model").model, &require(path, "path"), read_dtype(o.dtype));
  });
}

void molrt_model_free(molrt_model* model) { delete model; }

int32_t molrt_model_get_info(const molrt_model* model, molrt_model_info* info) {
  return guarded([&] {
    write_struct(describe(*require(model, "model").model), info, require(info, "info").struct_size,
                 "info");
  });
}

const char* molrt_model_target_name(const molrt_model* model, int32_t index) {
  if (!model || index < 0 || index >= model->model->card().outputs()) return nullptr;
  return model->model->card().targets[index].c_str();
}

const char* molrt_model_column_name(const molrt_model* model, int32_t index) {
  if (!model || index < 0) return nullptr;
  const auto& columns = model->model->card().inputs.columns;
  return static_cast<size_t>(index) < columns.size() ? columns[index].c_str() : nullptr;
}

const char* molrt_model_target_unit(const molrt_model* model, int32_t index) {
  if (!model || index < 0 || index >= model->model->card().outputs()) return nullptr;
  const auto& units = model->model->card().units;
  return units.empty() ? "" : units[static_cast<size_t>(index)].c_str();
}

int32_t molrt_model_get_threshold(const molrt_model* model, int32_t index, double* threshold) {
  return guarded([&] {
    const ModelCard& card = require(model, "model").model->card();
    require_range("index", index, 0, int64_t{card.outputs()} - 1);
    require(threshold, "threshold") =
        card.thresholds.empty() ? NAN : card.thresholds[static_cast<size_t>(index)];
  });
}

int32_t molrt_model_describe(const molrt_model* model, char* buffer, size_t capacity,
                             size_t* needed) {
  return guarded([&] {
    write_text(describe_model(*require(model, "model").model), buffer, capacity, needed);
  });
}

int32_t molrt_model_supports_element(const molrt_model* model, const char* symbol,
                                     int32_t* supported) {
  return guarded([&] {
    const uint8_t number = atomic_number(&require(symbol, "symbol"));
    const Dictionary& dictionary = require(model, "model").model->dictionary();
    require(supported, "supported") = number != 0 && dictionary.contains(number);
  });
}
