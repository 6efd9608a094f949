#include "io/model_file.h"

#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "chem/conformer.h"
#include "io/checkpoint.h"
#include "io/container.h"
#include "io/known_weights.h"
#include "io/safetensors.h"
#include "io/tools_directory.h"
#include "model/folds.h"

namespace molrt {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

std::string read_text(const std::string& path) {
  const auto source = ByteSource::open_file(path);
  const auto bytes = source->read(0, source->size(), "dictionary");
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string read_dictionary(const std::string& path) {
  std::string text = read_text(path);
  (void)Dictionary::parse(text, path, TokenLayout::file_order);  // complains with its own name
  return text;
}

bool has_symbols(const std::string& path, int vocabulary) {
  try {
    return Dictionary::parse(read_text(path), path, TokenLayout::file_order).size() == vocabulary;
  } catch (const Error&) {
    return false;
  }
}

// dict.txt or *.dict.txt beside the weights, of the right size; there must be exactly one.
std::string dictionary_beside(const std::string& file, int vocabulary) {
  std::vector<std::string> found;
  std::error_code error;
  for (fs::directory_iterator i(fs::absolute(file).parent_path(), error), end; !error && i != end;
       i.increment(error)) {
    const std::string name = i->path().filename();
    if ((name == "dict.txt" || name.ends_with(".dict.txt")) && has_symbols(i->path(), vocabulary))
      found.push_back(i->path());
  }
  if (found.size() != 1)
    fail(MOLRT_ERROR_FORMAT,
         "{}: 'embed_tokens.weight' has {} rows, a vocabulary that molrt does not ship (31 "
         "molecule, 94 "
         "oled), and {} dictionary of {} symbols lies beside the file (dict.txt or *.dict.txt); "
         "name "
         "one with the option dictionary",
         file, vocabulary, found.empty() ? "no" : "more than one", vocabulary - 1);
  return read_text(found[0]);
}

// `file` is where the weights are; nullopt: in memory.
std::string find_dictionary(const std::optional<std::string>& file, const std::string& path,
                            int vocabulary) {
  if (!path.empty()) return read_dictionary(path);
  if (const char* shipped = Dictionary::shipped_text(vocabulary)) return shipped;
  if (!file)
    fail(MOLRT_ERROR_FORMAT,
         "{}: 'embed_tokens.weight' has {} rows, a vocabulary that molrt does not ship (31 "
         "molecule, 94 "
         "oled); name its dictionary with the option dictionary",
         "memory", vocabulary);
  return dictionary_beside(*file, vocabulary);
}

// One network of a directory saved by unimol_tools, opened alone.
bool lies_beside_settings(const ByteSource& source) {
  std::error_code error;
  return source.is_file() &&
         fs::exists(fs::path(source.name()).parent_path() / "config.yaml", error);
}

void describe_raw_head(const ByteSource& source, const Weights& weights, ModelCard& card,
                       const Notice& notice) {
  const auto first = weights.all().lower_bound(head_prefix);  // any tensor of a head
  if (first == weights.all().end() || !first->first.starts_with(head_prefix)) return;
  const Head head = read_head(weights, card.architecture.width);
  notice(fmt::format(
      "{}: the head's task and target scaling are not in this file; predictions are its "
      "raw outputs{}",
      weights.file(),
      lies_beside_settings(source)
          ? " (its directory has a config.yaml: open the directory instead of the file)"
          : ""));
  card.task = Task::regression;
  card.head = head.kind;
  card.targets = default_target_names(head.outputs);
  card.scalers = {std::vector<TargetScaler>(head.outputs)};
}

Hydrogens assume_hydrogens(ByteSource& source, PairKernel kernel, const Notice& notice) {
  if (const auto known = known_hydrogens(source)) return *known;
  const bool all = kernel == PairKernel::gaussian;
  notice(
      fmt::format("{}: these weights do not say what they were trained with; assuming {} (override "
                  "with the option hydrogens)",
                  source.name(), all ? "all hydrogens" : "no hydrogens"));
  return all ? Hydrogens::all : Hydrogens::none;
}

// Tensors that no part of the network has read, such as another model's.
void report_unused(const TensorMap& tensors, const Architecture& a, const std::string& file,
                   const Notice& notice) {
  std::vector<std::string> unused;
  for (const auto& [name, tensor] : tensors) {
    const bool known = name == "embed_tokens.weight" || name.starts_with("encoder.layers.") ||
                       name.starts_with("encoder.emb_layer_norm.") ||
                       name.starts_with("encoder.final_layer_norm.") || name.starts_with("gbf.") ||
                       name.starts_with("gbf_proj.") || name.starts_with("classification_head.") ||
                       is_pretraining_tensor(name);
    if (!known) unused.push_back(name);
  }
  if (!unused.empty())
    notice(
        fmt::format("{}: {} tensors are no part of this {}-layer network and are not used, such as "
                    "'{}'",
                    file, unused.size(), a.layers, unused[0]));
}

// Weights that carry nothing but tensors: the rest is inferred, known, given, or assumed aloud.
ModelCard card_for_raw_weights(ByteSource& source, const TensorMap& tensors,
                               const OpenOptions& options, const Notice& notice) {
  const Weights weights(tensors, source.name());
  ModelCard card;
  card.architecture = infer_architecture(weights);
  card.dictionary_text =
      find_dictionary(source.is_file() ? std::optional(source.name()) : std::nullopt,
                      options.dictionary_path, card.architecture.vocabulary);
  card.hydrogens = options.hydrogens ? *options.hydrogens
                                     : assume_hydrogens(source, card.architecture.kernel, notice);
  if (!options.layout)
    notice(fmt::format(
        "{}: these weights do not say how the special tokens are numbered; assuming file "
        "order (override with the option layout)",
        source.name()));
  describe_raw_head(source, weights, card, notice);
  report_unused(tensors, card.architecture, source.name(), notice);
  card.provenance =
      json{{"file", fs::path(source.name()).filename().string()},
           {"bytes", source.size()},
           {"imported_by", fmt::format("molrt {}", molrt_version_text())}}
          .dump(-1, ' ', false, json::error_handler_t::replace);  // a name may be no UTF-8
  return card;
}

// A weight that overflows the smaller type would make a file that no reader should accept.
Tensor converted(const std::string& name, const Tensor& tensor, Dtype dtype) {
  Tensor result = convert(tensor, dtype);
  const std::vector<float> before = to_f32(tensor), after = to_f32(result);
  for (size_t i = 0; i < after.size(); ++i)
    if (std::isfinite(before[i]) && !std::isfinite(after[i]))
      fail(MOLRT_ERROR_UNSUPPORTED, "tensor '{}': {} (element {}) does not fit {}", name, before[i],
           i, dtype_name(dtype));
  return result;
}

// One fold alone, under plain names.
void keep_fold(int fold, ModelCard& card, TensorMap& tensors, const std::string& file) {
  if (fold < 0 || fold >= card.folds())
    fail(MOLRT_ERROR_INVALID_ARGUMENT, "{}: fold = {}: the model has {} folds, from 0 on", file,
         fold, card.folds());
  tensors = tensors_of_fold(tensors, fold);
  card.scalers = {card.scalers[static_cast<size_t>(fold)]};
  if (card.inputs.size() > 0)
    card.inputs.scalers = {card.inputs.scalers[static_cast<size_t>(fold)]};
  if (card.uncertainty.between) card.uncertainty.drop_calibration();  // of one member there is none
  card.uncertainty.folds = 1;
  json provenance = json::parse(card.provenance);
  if (provenance.is_object()) provenance["fold"] = fold;
  card.provenance = provenance.dump();
}

void compare_rdkit(const HeadInputs& inputs, const std::string& file, const Notice& notice) {
  if (inputs.rdkit.empty() || inputs.rdkit == rdkit_version()) return;
  notice(
      fmt::format("{}: the model was trained on descriptors of RDKit {}, and this is RDKit {}, "
                  "whose values may "
                  "differ",
                  file, inputs.rdkit, rdkit_version()));
}

void apply(const OpenOptions& options, ModelCard& card) {
  if (options.hydrogens) card.hydrogens = *options.hydrogens;
  if (options.layout) card.layout = *options.layout;
  if (options.max_atoms) card.max_atoms = *options.max_atoms;
  if (!options.dictionary_path.empty())
    card.dictionary_text = read_dictionary(options.dictionary_path);
}

}  // namespace

Model open_model(ByteSource& source, const OpenOptions& options, const Notice& notice) {
  TensorMap tensors;
  ModelCard card;
  if (looks_like_safetensors(source)) {
    Safetensors file = read_safetensors(source);
    if (is_container(file.metadata)) {
      tensors = std::move(file.tensors);
      card = card_from_metadata(file.metadata, source.name());
      compare_rdkit(card.inputs, source.name(), notice);
    } else {
      tensors = without_prefixes(std::move(file.tensors), source.name());
      card = card_for_raw_weights(source, tensors, options, notice);
    }
  } else {
    tensors = read_torch_checkpoint(source);
    card = card_for_raw_weights(source, tensors, options, notice);
  }
  apply(options, card);
  if (options.fold) keep_fold(*options.fold, card, tensors, source.name());
  Model model(std::move(card), std::move(tensors), source.name());
  model.bytes_read = source.bytes_read();
  return model;
}

Model open_model(const std::string& path, const OpenOptions& options, const Notice& notice) {
  std::error_code error;
  if (!fs::is_directory(path, error))
    return open_model(*ByteSource::open_file(path), options, notice);
  ToolsDirectory directory = read_tools_directory(path, options.fold, notice);
  ModelCard& card = directory.card;
  card.dictionary_text = find_dictionary(directory.weights_file, options.dictionary_path,
                                         card.architecture.vocabulary);
  report_unused(tensors_of_fold(directory.tensors, 0), card.architecture, directory.weights_file,
                notice);
  apply(options, card);
  Model model(std::move(card), std::move(directory.tensors), path);
  model.bytes_read = directory.bytes_read;
  return model;
}

void save_model(const Model& model, const std::string& path, std::optional<Dtype> dtype) {
  TensorMap tensors = model.tensors();
  if (dtype)
    for (auto& [name, tensor] : tensors) tensor = converted(name, tensor, *dtype);
  AtomicFile file(path);
  write_safetensors(file, tensors, metadata_from_card(model.card()));
  file.commit();
}

std::string describe_model(const Model& model) {
  const ModelCard& card = model.card();
  const Metadata metadata = metadata_from_card(card);
  json d;
  d["format"] = "molrt";
  d["architecture"] = json::parse(metadata.at("configuration"));
  for (const char* moved : {"layout", "hydrogens", "max_atoms", "head"}) {
    if (!d["architecture"].contains(moved)) continue;
    d[moved] = d["architecture"][moved];
    d["architecture"].erase(moved);
  }
  if (!d.contains("head")) d["head"] = "none";
  const Dictionary& dictionary = model.dictionary();
  d["dictionary"] = {{"size", dictionary.size()},
                     {"special_ids",
                      {{"[PAD]", dictionary.pad()},
                       {"[CLS]", dictionary.cls()},
                       {"[SEP]", dictionary.sep()},
                       {"[UNK]", dictionary.unknown()},
                       {"[MASK]", dictionary.mask()}}}};
  d["elements"] = dictionary.elements();
  d["task"] = metadata.at("task");
  d["targets"] = card.targets;
  d["folds"] = card.folds();
  d["scalers"] = json::parse(metadata.at("scalers"));
  d["thresholds"] = card.thresholds;
  if (metadata.contains("inputs")) d["inputs"] = json::parse(metadata.at("inputs"));
  d["units"] = card.units;
  d["uncertainty"] = json::parse(metadata.at("uncertainty"));
  d["settings"] = json::parse(card.settings);
  d["training"] = json::parse(card.training);
  d["provenance"] = json::parse(card.provenance);
  d["parameters"] = model.parameters();
  return d.dump();
}

}  // namespace molrt
