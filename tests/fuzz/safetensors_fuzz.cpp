// libFuzzer target: the reader of safetensors. See README.md.
#include "base/error.h"
#include "io/safetensors.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  try {
    const auto source = molrt::ByteSource::copy_memory(bytes, "fuzz");
    (void)molrt::looks_like_safetensors(*source);
    for (const auto& [name, tensor] : molrt::read_safetensors(*source).tensors)
      (void)to_f32(tensor);
  } catch (const molrt::Error&) {
  }
  return 0;
}
