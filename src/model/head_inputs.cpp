#include "model/head_inputs.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace molrt {

void InputScaler::apply(std::span<const float> x, float* z) const {
  for (size_t i = 0; i < mean.size(); ++i) {
    const double scaled = std::isnan(x[i]) ? 0 : (x[i] - mean[i]) * factor[i];
    z[i] = static_cast<float>(std::clamp(scaled, -input_limit, input_limit));
  }
}

std::vector<std::string> HeadInputs::names() const {
  std::vector<std::string> all = columns;
  all.insert(all.end(), descriptors.names.begin(), descriptors.names.end());
  for (int bit = 0; bit < descriptors.morgan_bits; ++bit)
    all.push_back(fmt::format("morgan_{}", bit));
  return all;
}

std::string HeadInputs::fault(size_t folds) const {
  const auto fits = [&](const std::vector<double>& values) {
    return values.size() == size() &&
           std::all_of(values.begin(), values.end(), [](double v) { return std::isfinite(v); });
  };
  if (scalers.size() != (size() > 0 ? folds : 0))
    return fmt::format("{} scalers for {} folds", scalers.size(), folds);
  for (const InputScaler& scaler : scalers)
    if (!fits(scaler.mean) || !fits(scaler.factor))
      return fmt::format("a scaler that has not {} finite means and factors", size());
  const auto known = [](const std::string& name) {
    const auto& all = known_descriptors();
    return std::find(all.begin(), all.end(), name) != all.end();
  };
  for (const std::string& name : descriptors.names)
    if (!known(name))
      return fmt::format("the descriptor '{}', which this version does not know", name);
  return "";
}

}  // namespace molrt
