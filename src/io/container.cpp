#include "io/container.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "base/error.h"

namespace molrt {
namespace {

using nlohmann::json;

constexpr const char* format_version = "1";

// Reads one container's metadata; every complaint names the file and the key.
class MetadataReader {
 public:
  MetadataReader(const Metadata& metadata, const std::string& file)
      : metadata_(metadata), file_(file) {}

  const std::string& text(const std::string& key) const {
    const auto found = metadata_.find(key);
    if (found == metadata_.end())
      fail(MOLRT_ERROR_FORMAT, "{}: the metadata key '{}' is missing", file_, key);
    return found->second;
  }

  bool has(const std::string& key) const { return metadata_.contains(key); }

  json parse(const std::string& key) const {
    constexpr int deepest = 64;  // json writes recursively: deeper texts would overflow the stack
    const auto check = [&](int depth, json::parse_event_t, json&) {
      if (depth > deepest) reject(fmt::format("metadata '{}' is nested too deeply", key));
      return true;
    };
    try {
      return json::parse(text(key), check);
    } catch (const json::exception& e) {
      fail(MOLRT_ERROR_FORMAT, "{}: metadata '{}' is not JSON: {}", file_, key, e.what());
    }
  }

  template <typename T>
  T value(const json& object, const char* name) const {
    try {
      return object.at(name).get<T>();
    } catch (const json::exception& e) {
      fail(MOLRT_ERROR_FORMAT, "{}: metadata '{}': {}", file_, name, e.what());
    }
  }

  int integer(const json& object, const char* name, int smallest, int largest) const {
    const auto number = value<double>(object, name);
    if (number != std::floor(number) || number < smallest || number > largest)
      fail(MOLRT_ERROR_FORMAT, "{}: metadata '{}' is {}, expected a whole number from {} to {}",
           file_, name, number, smallest, largest);
    return static_cast<int>(number);
  }

  // The index of a text among its choices.
  template <typename T>
  T choice(const json& object, const char* name,
           std::initializer_list<std::pair<const char*, T>> choices) const {
    const auto text = value<std::string>(object, name);
    std::string expected;
    for (const auto& [word, meaning] : choices) {
      if (text == word) return meaning;
      expected += fmt::format("{}'{}'", expected.empty() ? "" : " or ", word);
    }
    fail(MOLRT_ERROR_FORMAT, "{}: metadata '{}' is '{}', expected {}", file_, name, text, expected);
  }

  [[noreturn]] void reject(const std::string& why) const {
    fail(MOLRT_ERROR_FORMAT, "{}: {}", file_, why);
  }

 private:
  const Metadata& metadata_;
  const std::string& file_;
};

void read_configuration(const MetadataReader& reader, ModelCard& card) {
  const json c = reader.parse("configuration");
  Architecture& a = card.architecture;
  a.kernel = reader.choice<PairKernel>(
      c, "kernel", {{"gaussian", PairKernel::gaussian}, {"linear", PairKernel::linear}});
  a.layers = reader.integer(c, "layers", 1, most_layers);
  a.width = reader.integer(c, "width", 1, 1 << 20);
  a.ffn = reader.integer(c, "ffn", 1, 1 << 20);
  a.heads = reader.integer(c, "heads", 1, 1 << 20);
  a.vocabulary = reader.integer(c, "vocabulary", 5, 1 << 20);
  card.layout = reader.choice<TokenLayout>(
      c, "layout",
      {{"file_order", TokenLayout::file_order}, {"specials_first", TokenLayout::specials_first}});
  card.hydrogens = reader.choice<Hydrogens>(c, "hydrogens",
                                            {{"all", Hydrogens::all}, {"none", Hydrogens::none}});
  card.max_atoms = reader.integer(c, "max_atoms", 1, largest_molecule);
}

TargetScaler read_scaler(const MetadataReader& reader, const json& s) {
  TargetScaler scaler;
  scaler.kind = reader.choice<ScalerKind>(s, "kind",
                                          {{"linear", ScalerKind::linear},
                                           {"log1p", ScalerKind::log1p},
                                           {"yeo_johnson", ScalerKind::yeo_johnson},
                                           {"box_cox", ScalerKind::box_cox},
                                           {"quantile", ScalerKind::quantile}});
  const bool power = scaler.kind == ScalerKind::yeo_johnson || scaler.kind == ScalerKind::box_cox;
  if (power) scaler.lambda = reader.value<double>(s, "lambda");
  if (power || scaler.kind == ScalerKind::linear) {
    scaler.mean = reader.value<double>(s, "mean");
    scaler.scale = reader.value<double>(s, "scale");
  }
  if (scaler.kind == ScalerKind::quantile) {
    scaler.output = reader.choice<QuantileOutput>(
        s, "output", {{"uniform", QuantileOutput::uniform}, {"normal", QuantileOutput::normal}});
    scaler.quantiles = reader.value<std::vector<double>>(s, "quantiles");
    scaler.references = reader.value<std::vector<double>>(s, "references");
  }
  if (const char* fault = scaler_fault(scaler); *fault)
    reader.reject(fmt::format("metadata 'scalers' holds {}", fault));
  return scaler;
}

std::vector<TargetScaler> read_scalers(const MetadataReader& reader, const json& fold,
                                       size_t targets) {
  if (!fold.is_array() || fold.size() != targets)
    reader.reject(
        fmt::format("metadata 'scalers' needs one scaler for each of {} targets", targets));
  std::vector<TargetScaler> scalers;
  for (const json& s : fold) scalers.push_back(read_scaler(reader, s));
  return scalers;
}

Task read_task(const MetadataReader& reader) {
  for (const Task task :
       {Task::none, Task::regression, Task::binary, Task::multiclass, Task::multilabel})
    if (reader.text("task") == task_name(task)) return task;
  reader.reject(
      fmt::format("task '{}' is not one that this version predicts", reader.text("task")));
}

void read_thresholds(const MetadataReader& reader, ModelCard& card) {
  const json thresholds = reader.parse("thresholds");
  if (thresholds.is_array() && thresholds.empty()) return;
  if (card.task != Task::binary && card.task != Task::multilabel)
    reader.reject(
        fmt::format("metadata 'thresholds' must be empty for a {} model", task_name(card.task)));
  card.thresholds = reader.value<std::vector<double>>({{"thresholds", thresholds}}, "thresholds");
  if (card.thresholds.size() != card.targets.size())
    reader.reject(fmt::format("metadata 'thresholds' needs one number for each of {} targets",
                              card.targets.size()));
}

std::vector<Calibration> read_calibrations(const MetadataReader& reader, const json& list) {
  std::vector<Calibration> calibrations;
  for (const json& c : list)
    calibrations.push_back({reader.value<double>(c, "a"), reader.value<double>(c, "b"),
                            static_cast<size_t>(reader.integer(c, "rows", 0, 1 << 30)),
                            reader.value<std::vector<double>>(c, "scores")});
  return calibrations;
}

DropoutRates read_noise(const MetadataReader& reader, const json& noise) {
  const auto rate = [&](const char* name) { return reader.value<double>(noise, name); };
  return {rate("embedding"),
          rate("attention"),
          rate("activation"),
          rate("residual"),
          rate("pooler"),
          reader.integer(noise, "quiet_layers", 0, most_layers),
          reader.value<uint64_t>(noise, "seed")};
}

// Both keys came after version 1 was read by others: they may be missing.
void read_uncertainty(const MetadataReader& reader, ModelCard& card) {
  if (!reader.has("uncertainty")) return;
  const json u = reader.parse("uncertainty");
  if (u.is_object() && u.empty()) return;
  Uncertainty& to = card.uncertainty;
  to.noise = read_noise(reader, reader.value<json>(u, "noise"));
  to.samples = reader.integer(u, "samples", 2, most_samples);
  to.mode = reader.choice<PredictMode>(
      u, "mode", {{"det", PredictMode::deterministic}, {"mc", PredictMode::mc}});
  to.kind = reader.choice<Calibrated>(u, "kind",
                                      {{"none", Calibrated::none},
                                       {"affine", Calibrated::affine},
                                       {"conformal", Calibrated::conformal}});
  to.between = reader.value<bool>(u, "between");
  to.folds = reader.integer(u, "folds", 1, std::max(1, card.folds()));
  to.deterministic = read_calibrations(reader, reader.value<json>(u, "det"));
  to.mc = read_calibrations(reader, reader.value<json>(u, "mc"));
  const auto fault =
      uncertainty_fault(to, card.targets.size(), card.architecture.layers, card.folds());
  if (!fault.empty()) reader.reject(fmt::format("metadata 'uncertainty' holds {}", fault));
}

void read_units(const MetadataReader& reader, ModelCard& card) {
  if (!reader.has("units")) return;
  card.units = reader.value<std::vector<std::string>>({{"units", reader.parse("units")}}, "units");
  if (!card.units.empty() && card.units.size() != card.targets.size())
    reader.reject(
        fmt::format("metadata 'units' needs one text for each of {} targets", card.targets.size()));
}

InputScaler read_input_scaler(const MetadataReader& reader, const json& fold) {
  return {reader.value<std::vector<double>>(fold, "mean"),
          reader.value<std::vector<double>>(fold, "factor")};
}

// Whether the scalers fit is the model's to check.
void read_inputs(const MetadataReader& reader, HeadInputs& inputs) {
  if (!reader.has("inputs")) return;
  constexpr int most_bits = 1 << 16, largest_radius = 10;
  const json i = reader.parse("inputs");
  inputs.columns = reader.value<std::vector<std::string>>(i, "columns");
  inputs.descriptors.names = reader.value<std::vector<std::string>>(i, "descriptors");
  inputs.descriptors.morgan_radius = reader.integer(i, "morgan_radius", 0, largest_radius);
  inputs.descriptors.morgan_bits = reader.integer(i, "morgan_bits", 0, most_bits);
  inputs.rdkit = reader.value<std::string>(i, "rdkit");
  for (const json& fold : reader.value<json>(i, "scalers"))
    inputs.scalers.push_back(read_input_scaler(reader, fold));
}

void read_head(const MetadataReader& reader, ModelCard& card) {
  card.task = read_task(reader);
  const json targets = reader.parse("targets");
  if (card.task == Task::none) return read_thresholds(reader, card);
  card.head = reader.choice<HeadKind>(reader.parse("configuration"), "head",
                                      {{"linear", HeadKind::linear}, {"pooled", HeadKind::pooled}});
  try {
    card.targets = targets.get<std::vector<std::string>>();
  } catch (const json::exception&) {
    reader.reject("metadata 'targets' is not a list of names");
  }
  const json scalers = reader.parse("scalers");
  if (!scalers.is_array() || scalers.empty() || card.targets.empty())
    reader.reject("metadata 'scalers' and 'targets' must not be empty for a model with a head");
  for (const json& fold : scalers)
    card.scalers.push_back(read_scalers(reader, fold, card.targets.size()));
  read_inputs(reader, card.inputs);
  read_thresholds(reader, card);
  read_units(reader, card);
  read_uncertainty(reader, card);
}

json scaler_json(const TargetScaler& s) {
  json object = {{"kind", scaler_name(s.kind)}};
  const bool power = s.kind == ScalerKind::yeo_johnson || s.kind == ScalerKind::box_cox;
  if (power) object["lambda"] = s.lambda;
  if (power || s.kind == ScalerKind::linear) {
    object["mean"] = s.mean;
    object["scale"] = s.scale;
  }
  if (s.kind == ScalerKind::quantile) {
    object["output"] = s.output == QuantileOutput::uniform ? "uniform" : "normal";
    object["quantiles"] = s.quantiles;
    object["references"] = s.references;
  }
  return object;
}

json scalers_json(const ModelCard& card) {
  json folds = json::array();
  for (const auto& fold : card.scalers) {
    json list = json::array();
    for (const TargetScaler& s : fold) list.push_back(scaler_json(s));
    folds.push_back(std::move(list));
  }
  return folds;
}

json calibrations_json(const std::vector<Calibration>& calibrations) {
  json list = json::array();
  for (const Calibration& c : calibrations)
    list.push_back({{"a", c.a}, {"b", c.b}, {"rows", c.rows}, {"scores", c.scores}});
  return list;
}

json uncertainty_json(const ModelCard& card) {
  if (card.folds() == 0) return json::object();
  const Uncertainty& u = card.uncertainty;
  return {{"noise",
           {{"embedding", u.noise.embedding},
            {"attention", u.noise.attention},
            {"activation", u.noise.activation},
            {"residual", u.noise.residual},
            {"pooler", u.noise.pooler},
            {"quiet_layers", u.noise.quiet_layers},
            {"seed", u.noise.seed}}},
          {"samples", u.samples},
          {"mode", mode_name(u.mode)},
          {"kind", calibrated_name(u.kind)},
          {"between", u.between},
          {"folds", u.folds},
          {"det", calibrations_json(u.deterministic)},
          {"mc", calibrations_json(u.mc)}};
}

json inputs_json(const HeadInputs& inputs) {
  json folds = json::array();
  for (const InputScaler& fold : inputs.scalers)
    folds.push_back({{"mean", fold.mean}, {"factor", fold.factor}});
  return {{"columns", inputs.columns},
          {"descriptors", inputs.descriptors.names},
          {"morgan_radius", inputs.descriptors.morgan_radius},
          {"morgan_bits", inputs.descriptors.morgan_bits},
          {"rdkit", inputs.rdkit},
          {"scalers", folds}};
}

}  // namespace

bool is_container(const Metadata& metadata) {
  const auto format = metadata.find("format");
  return format != metadata.end() && format->second == "molrt";
}

ModelCard card_from_metadata(const Metadata& metadata, const std::string& file) {
  const MetadataReader reader(metadata, file);
  if (reader.text("format_version") != format_version)
    fail(MOLRT_ERROR_UNSUPPORTED, "{}: container version {}, this molrt reads version {}", file,
         reader.text("format_version"), format_version);
  ModelCard card;
  read_configuration(reader, card);
  card.dictionary_text = reader.text("dictionary");
  read_head(reader, card);
  card.settings = reader.parse("settings").dump();
  card.training = reader.parse("training").dump();
  card.provenance = reader.parse("provenance").dump();
  return card;
}

Metadata metadata_from_card(const ModelCard& card) {
  const Architecture& a = card.architecture;
  json c = {{"kernel", kernel_name(a.kernel)},
            {"layers", a.layers},
            {"width", a.width},
            {"ffn", a.ffn},
            {"heads", a.heads},
            {"vocabulary", a.vocabulary},
            {"layout", card.layout == TokenLayout::file_order ? "file_order" : "specials_first"},
            {"hydrogens", card.hydrogens == Hydrogens::all ? "all" : "none"},
            {"max_atoms", card.max_atoms}};
  if (card.folds()) c["head"] = head_name(card.head);
  Metadata metadata = {{"format", "molrt"},
                       {"format_version", format_version},
                       {"configuration", c.dump()},
                       {"dictionary", card.dictionary_text},
                       {"task", task_name(card.task)},
                       {"targets", json(card.targets).dump()},
                       {"scalers", scalers_json(card).dump()},
                       {"thresholds", json(card.thresholds).dump()},
                       {"units", json(card.units).dump()},
                       {"uncertainty", uncertainty_json(card).dump()},
                       {"settings", card.settings},
                       {"training", card.training},
                       {"provenance", card.provenance}};
  if (card.inputs.size() > 0) metadata["inputs"] = inputs_json(card.inputs).dump();
  return metadata;
}

}  // namespace molrt
