// libFuzzer target: the settings, scalers and thresholds of a unimol_tools directory. The first
// byte chooses the reader. See README.md.
#include "base/error.h"
#include "io/tools_config.h"
#include "io/tools_scaler.h"
#include "must.h"

namespace {

void read(uint8_t choice, std::span<const uint8_t> bytes) {
  const auto source = molrt::ByteSource::copy_memory(std::as_bytes(bytes), "fuzz");
  switch (choice % 3) {
    case 0:
      (void)molrt::parse_tools_config({reinterpret_cast<const char*>(bytes.data()), bytes.size()},
                                      "fuzz");
      return;
    case 1:
      for (const molrt::TargetScaler& s : molrt::read_tools_scalers(*source, 1 + choice / 3 % 4)) {
        molrt::fuzz::must(*molrt::scaler_fault(s) == 0, "a scaler that was read is usable");
        (void)s.inverse(s.scaled(1.5));
      }
      return;
    default:
      (void)molrt::read_tools_thresholds(*source, 1);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  try {
    read(data[0], {data + 1, size - 1});
  } catch (const molrt::Error&) {
  }
  return 0;
}
