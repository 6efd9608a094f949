// libFuzzer target: the small files of a directory saved by unimol_tools. The first byte says
// which: config.yaml, the scalers or the thresholds (joblib's), and for how many targets.
#include <cmath>

#include "base/error.h"
#include "io/tools_config.h"
#include "io/tools_scaler.h"
#include "must.h"

namespace molrt::fuzz {
namespace {

void read_config(std::string_view text) {
  const ToolsConfig config = parse_tools_config(text, "fuzz");
  must(config.folds >= 0 && config.max_atoms > 0, "counts are counts");
}

void read_scalers(ByteSource& file, size_t targets) {
  const auto scalers = read_tools_scalers(file, targets);
  must(scalers.size() == targets, "one scaler for each target");
}

void read_thresholds(ByteSource& file, size_t targets) {
  const auto thresholds = read_tools_thresholds(file, targets);
  must(thresholds.size() == targets, "one threshold for each target");
  for (const double t : thresholds) must(std::isfinite(t), "thresholds are finite");
}

void read(uint8_t choice, std::string_view bytes) {
  const size_t targets = 1 + choice / 4 % 4;
  const auto file = ByteSource::copy_memory(std::as_bytes(std::span(bytes)), "fuzz");
  if (choice % 4 == 0) return read_config(bytes);
  if (choice % 4 == 1) return read_thresholds(*file, targets);
  read_scalers(*file, targets);
}

}  // namespace
}  // namespace molrt::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  try {
    molrt::fuzz::read(data[0], {reinterpret_cast<const char*>(data + 1), size - 1});
  } catch (const molrt::Error&) {
  }
  return 0;
}
