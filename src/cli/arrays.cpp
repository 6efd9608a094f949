#include "cli/arrays.h"

#include <memory>

#include "io/safetensors.h"
#include "molrt.h"

namespace molrt::cli {

Tensor integers(std::vector<int64_t> values) {
  std::vector<int64_t> shape = {static_cast<int64_t>(values.size())};
  auto owner = std::make_shared<const std::vector<int64_t>>(std::move(values));
  const auto* data = reinterpret_cast<const std::byte*>(owner->data());
  return {Dtype::i64, std::move(shape), data, std::move(owner)};
}

void write_arrays(Output& output, const TensorMap& tensors) {
  write_safetensors(output.file(), tensors,
                    {{"producer", "molrt " + std::string(molrt_version_text())}});
}

}  // namespace molrt::cli
