#include "train/fingerprint.h"

#include "base/crc.h"

namespace molrt {
namespace {

using nlohmann::json;

template <typename T>
uint32_t crc_of(std::span<const T> values, uint32_t before = 0) {
  return crc32(std::as_bytes(values), before);
}

uint32_t crc_of(const Model& model) {
  uint32_t crc = 0;
  for (const auto& [name, tensor] : model.tensors()) {
    crc = crc32(name, crc);
    crc = crc32(std::span(tensor.data, tensor.bytes()), crc);
  }
  return crc32(model.card().dictionary_text, crc);
}

}  // namespace

json run_facts(const Model& base, const HeadTrainingData& data, const Settings& settings) {
  return {{"settings", json::parse(settings.to_json())},
          {"base model", {{"crc32", crc_of(base)}, {"parameters", base.parameters()}}},
          {"measured values",
           {{"rows", data.rows}, {"targets", data.target_names}, {"crc32", crc_of(data.values)}}}};
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
    const Features* features = batch.features(row);
    const int64_t length = features ? features->length() : 0;
    crc = crc_of(std::span(&length, 1), crc);
    if (!features) continue;
    ++usable;
    crc = crc_of(std::span<const int32_t>(features->tokens), crc);
    crc = crc_of(std::span<const float>(features->coordinates), crc);
  }
  return {{"usable", usable}, {"crc32", crc}};
}

}  // namespace molrt
