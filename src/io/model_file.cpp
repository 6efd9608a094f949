#include "io/model_file.h"

#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "chem/conformer.h"
#include "io/checkpoint.h"
#include "io/container.h"
#include "io/overrides.h"
#include "io/raw_card.h"
#include "io/safetensors.h"
#include "io/shipped_models.h"
#include "io/tools_directory.h"
#include "model/folds.h"

namespace molrt {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

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

void compare_rdkit(const HeadInputs& inputs, const std::string& file, const Log& log) {
  if (inputs.rdkit.empty() || inputs.rdkit == rdkit_version()) return;
  log(MOLRT_LOG_NOTICE,
      fmt::format("{}: the model was trained on descriptors of RDKit {}, and this is RDKit {}, "
                  "whose values may "
                  "differ",
                  file, inputs.rdkit, rdkit_version()));
}

}  // namespace

Model open_model(ByteSource& source, const OpenOptions& options, const Log& log) {
  TensorMap tensors;
  ModelCard card;
  if (looks_like_safetensors(source)) {
    Safetensors file = read_safetensors(source);
    if (is_container(file.metadata)) {
      tensors = std::move(file.tensors);
      card = card_from_metadata(file.metadata, source.name());
      compare_rdkit(card.inputs, source.name(), log);
    } else {
      tensors = without_prefixes(std::move(file.tensors), source.name());
      card = card_for_raw_weights(source, tensors, options, {}, log);
    }
  } else {
    const Identity identity = identify(source, options.official);
    tell_identity(identity, source.name(), log);
    tensors = read_torch_checkpoint(source);
    card = card_for_raw_weights(source, tensors, options, identity, log);
  }
  override_card(options, card, source.name(), log);
  if (options.fold) keep_fold(*options.fold, card, tensors, source.name());
  Model model(std::move(card), std::move(tensors), source.name());
  model.bytes_read = source.bytes_read();
  return model;
}

Model open_model(const std::string& name, const OpenOptions& options, const Log& log) {
  const std::string path = find_model(name);
  std::error_code error;
  if (!fs::is_directory(path, error)) return open_model(*ByteSource::open_file(path), options, log);
  const auto notice = [&](const std::string& text) { log(MOLRT_LOG_NOTICE, text); };
  ToolsDirectory directory = read_tools_directory(path, options.fold, notice);
  ModelCard& card = directory.card;
  card.dictionary_text =
      usual_dictionary(directory.weights_file, options, card.architecture.vocabulary, nullptr, log);
  if (directory.own_dictionary && !options.dictionary_path.empty()) card.dictionary_text.clear();
  report_unused(tensors_of_fold(directory.tensors, 0), card.architecture, directory.weights_file,
                log);
  override_card(options, card, path, log);
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
