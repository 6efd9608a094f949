#include "io/raw_card.h"

#include <filesystem>
#include <nlohmann/json.hpp>
#include <vector>

#include "base/error.h"
#include "io/dictionary_file.h"
#include "io/overrides.h"
#include "model/folds.h"
#include "model/model.h"
#include "nn/head.h"
#include "nn/weights.h"

namespace molrt {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

// One network of a directory saved by unimol_tools, opened alone.
bool lies_beside_settings(const ByteSource& source) {
  std::error_code error;
  return source.is_file() &&
         fs::exists(fs::path(source.name()).parent_path() / "config.yaml", error);
}

void describe_raw_head(const ByteSource& source, const Weights& weights, ModelCard& card,
                       const Log& log) {
  const auto first = weights.all().lower_bound(head_prefix);  // any tensor of a head
  if (first == weights.all().end() || !first->first.starts_with(head_prefix)) return;
  const Head head = read_head(weights, card.architecture.width);
  log(MOLRT_LOG_NOTICE,
      fmt::format(
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

Hydrogens assume_hydrogens(const ByteSource& source, PairKernel kernel, const Log& log) {
  const bool all = kernel == PairKernel::gaussian;
  log(MOLRT_LOG_NOTICE,
      fmt::format("{}: these weights do not say what they were trained with; assuming {} (override "
                  "with the option hydrogens)",
                  source.name(), hydrogens_text(all ? Hydrogens::all : Hydrogens::none)));
  return all ? Hydrogens::all : Hydrogens::none;
}

TokenLayout assume_layout(const ByteSource& source, const Log& log) {
  log(MOLRT_LOG_NOTICE,
      fmt::format("{}: these weights do not say how the special tokens are numbered; assuming file "
                  "order (override with the option layout)",
                  source.name()));
  return TokenLayout::file_order;
}

void compare_sizes(const OfficialFile& official, const Architecture& found, const std::string& file,
                   const Log& log) {
  if (found.kernel == official.kernel && found.vocabulary == official.vocabulary) return;
  log(MOLRT_LOG_WARNING,
      fmt::format(
          "{}: has the name of an official file of a {} pair kernel and {} symbols, but its "
          "weights have a {} one and {}",
          file, kernel_name(official.kernel), official.vocabulary, kernel_name(found.kernel),
          found.vocabulary));
}

json raw_provenance(const ByteSource& source, const Identity& identity) {
  json provenance = {{"file", fs::path(source.name()).filename().string()},
                     {"bytes", source.size()},
                     {"imported_by", fmt::format("molrt {}", molrt_version_text())}};
  if (!identity.sha256.empty()) provenance["sha256"] = identity.sha256;
  if (const OfficialFile* official = identity.official())
    provenance["official"] = {{"name", official->name},
                              {"verified", identity.verified != nullptr},
                              {"home", hugging_face_url(*official)}};
  return provenance;
}

}  // namespace

void tell_identity(const Identity& identity, const std::string& file, const Log& log) {
  if (!identity.problem.empty()) log(MOLRT_LOG_WARNING, identity.problem);
  if (!identity.official() || (!identity.problem.empty() && !identity.verified)) return;
  const OfficialFile& is = *identity.official();
  if (identity.verified && identity.verified == identity.named)
    log(MOLRT_LOG_INFO, fmt::format("{}: verified: sha256 {}", file, identity.sha256));
  else if (identity.verified)
    log(MOLRT_LOG_NOTICE,
        fmt::format("{}: is {} by its sha256 ({})", file, is.name, training_text(is)));
  else
    log(MOLRT_LOG_NOTICE,
        fmt::format("{}: taken for the official file of this name ({}); its sha256 is not known to "
                    "molrt and so not verified, found {}",
                    file, training_text(is), identity.sha256));
}

std::string usual_dictionary(const std::optional<std::string>& file, const OpenOptions& options,
                             int vocabulary, const OfficialFile* official, const Log& log) {
  const char* shipped = Dictionary::shipped_text(vocabulary);
  if (!options.dictionary_path.empty()) return shipped ? shipped : "";
  if (shipped && file)
    look_beside(*file, shipped, vocabulary, official ? official->dictionary : "",
                [&](const std::string& text) { log(MOLRT_LOG_WARNING, text); });
  return find_dictionary(file, vocabulary);
}

void report_unused(const TensorMap& tensors, const Architecture& a, const std::string& file,
                   const Log& log) {
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
    log(MOLRT_LOG_NOTICE,
        fmt::format("{}: {} tensors are no part of this {}-layer network and are not used, such as "
                    "'{}'",
                    file, unused.size(), a.layers, unused[0]));
}

ModelCard card_for_raw_weights(const ByteSource& source, const TensorMap& tensors,
                               const OpenOptions& options, const Identity& identity,
                               const Log& log) {
  const Weights weights(tensors, source.name());
  const OfficialFile* official = identity.official();
  ModelCard card;
  card.architecture = infer_architecture(weights);
  if (official) compare_sizes(*official, card.architecture, source.name(), log);
  card.dictionary_text =
      usual_dictionary(source.is_file() ? std::optional(source.name()) : std::nullopt, options,
                       card.architecture.vocabulary, official, log);
  card.hydrogens = official            ? official->hydrogens
                   : options.hydrogens ? *options.hydrogens
                                       : assume_hydrogens(source, card.architecture.kernel, log);
  card.layout = official         ? official->layout
                : options.layout ? *options.layout
                                 : assume_layout(source, log);
  describe_raw_head(source, weights, card, log);
  report_unused(tensors, card.architecture, source.name(), log);
  card.provenance =
      raw_provenance(source, identity)
          .dump(-1, ' ', false, json::error_handler_t::replace);  // of a name not UTF-8
  return card;
}

}  // namespace molrt
