// libFuzzer target: the container. The input is the header alone, and the tensors' bytes are made
// up, so that mutations spend themselves on names, shapes and metadata. A model that opens must
// describe itself and send a molecule through.
#include <cstring>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "io/model_file.h"
#include "model/batch.h"

namespace molrt::fuzz {
namespace {

constexpr uint64_t most_bytes = 1 << 20;  // of tensors

// Where the last tensor ends, as the header says.
uint64_t end_of_tensors(std::string_view header) {
  const auto json = nlohmann::json::parse(header, nullptr, false);
  uint64_t end = 0;
  if (!json.is_object()) return end;
  for (const auto& [name, tensor] : json.items()) {
    const auto offsets =
        tensor.is_object() ? tensor.value("data_offsets", nlohmann::json()) : nlohmann::json();
    if (offsets.is_array() && offsets.size() == 2 && offsets[1].is_number_unsigned())
      end = std::max(end, offsets[1].get<uint64_t>());
  }
  return std::min(end, most_bytes);
}

std::shared_ptr<ByteSource> file_of(std::string_view header) {
  constexpr char small = 0x3c;  // four are the float .0115
  std::string bytes(sizeof(uint64_t) + header.size() + end_of_tensors(header), small);
  const uint64_t length = header.size();
  std::memcpy(bytes.data(), &length, sizeof length);
  std::memcpy(bytes.data() + sizeof length, header.data(), header.size());
  return ByteSource::copy_memory(std::as_bytes(std::span(bytes)), "fuzz");
}

void run(const Model& model) {
  Batch batch({});
  batch.add_atoms({"C", "O", "H"}, {0, 0, 0, 1.2, 0, 0, 0, 1, 0});
  std::vector<float> cls(model.card().architecture.width), mean(model.card().outputs());
  if (mean.empty()) return batch.embed(model, {}, cls.data(), nullptr, 0);
  std::vector<float> std(mean.size());
  batch.predict(model, {}, mean.data(), std.data());
}

}  // namespace
}  // namespace molrt::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace molrt;
  try {
    const auto source = fuzz::file_of({reinterpret_cast<const char*>(data), size});
    const Model model = open_model(*source, {}, [](int32_t, const std::string&) {});
    (void)describe_model(model);
    fuzz::run(model);
  } catch (const Error&) {
  }
  return 0;
}
