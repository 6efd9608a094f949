#include "train/fingerprint.h"

#include "base/crc.h"

namespace molrt {
namespace {

using nlohmann::json;

template <typename T>
uint32_t crc_of(std::span<const T> values, uint32_t before = 0) {
  return crc32(std::as_bytes(values), before);
}

uint32_t crc_of(const Features& features, uint32_t crc) {
  const int64_t length = features.length();
  crc = crc_of(std::span(&length, 1), crc);
  crc = crc_of(std::span<const int32_t>(features.tokens), crc);
  return crc_of(std::span<const float>(features.coordinates), crc);
}

uint32_t crc_of(const Model& model) {
  return crc32(model.card().dictionary_text, crc_of(model.tensors()));
}

json conformer_facts(const Batch& batch) {
  const ConformerOptions& options = batch.conformer_options();
  const Sampling& sampling = batch.sampling();
  return {{"ladder", options.peer_ladder ? "peer" : "default"},
          {"seed", options.seed},
          {"flat", options.flat},
          {"time_limit", options.time_limit},
          {"count", sampling.count},
          {"last_flat", sampling.last_flat},
          {"canonical", sampling.canonical}};
}

}  // namespace

uint32_t crc_of(const TensorMap& tensors) {
  uint32_t crc = 0;
  for (const auto& [name, tensor] : tensors)
    crc = crc32(std::span(tensor.hold().get(), tensor.bytes()), crc32(name, crc));
  return crc;
}

json run_facts(const Model& base, const HeadTrainingData& data, const Batch& batch,
               const Settings& settings) {
  const ColumnTable& columns = batch.columns();
  return {{"settings", json::parse(settings.to_json())},
          {"base model", {{"crc32", crc_of(base)}, {"parameters", base.parameters()}}},
          {"measured values",
           {{"rows", data.rows}, {"targets", data.target_names}, {"crc32", crc_of(data.values)}}},
          {"conformers", conformer_facts(batch)},
          {"input columns",
           {{"names", columns.names}, {"crc32", crc_of(std::span<const float>(columns.values))}}}};
}

json column_facts(const HeadTrainingData& data) {
  uint32_t groups = 0;
  for (const std::string& group : data.groups) groups = crc32(group + '\n', groups);
  return {{"weights", crc_of(data.weights)}, {"groups", groups}, {"parts", crc_of(data.parts)}};
}

json molecule_facts(const Batch& batch) {
  uint32_t crc = 0;
  size_t usable = 0;
  for (size_t row = 0; row < batch.size(); ++row) {
    const auto conformers = batch.features(row);
    usable += !conformers.empty();
    const auto count = static_cast<int64_t>(conformers.size());
    crc = crc_of(std::span(&count, 1), crc);
    for (const Features* features : conformers) crc = crc_of(*features, crc);
  }
  return {{"usable", usable}, {"crc32", crc}};
}

}  // namespace molrt
