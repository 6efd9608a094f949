#pragma once
// Between a target's own units and the scaled values that the head is trained on: what
// scikit-learn's scalers do, forward and inverse.
#include <vector>

namespace molrt {

enum class ScalerKind { linear, log1p, yeo_johnson, box_cox, quantile };
enum class QuantileOutput { uniform, normal };

struct TargetScaler {
  // linear: scaled = (value - mean) / scale; 0 and 1 where scaling is off. Of the two powers: of
  // what the power gives (PowerTransformer's standardize).
  double mean = 0;
  double scale = 1;  // > 0
  ScalerKind kind = ScalerKind::linear;
  double lambda = 1;  // of the powers
  // quantile: value quantiles[i] is references[i] of the uniform distribution on [0, 1].
  std::vector<double> quantiles, references;
  QuantileOutput output = QuantileOutput::uniform;

  double scaled(double value) const;    // NaN outside of the function's domain
  double inverse(double scaled) const;  // likewise
  bool operator==(const TargetScaler&) const = default;
};

const char* scaler_name(ScalerKind kind);  // "linear", "log1p" ...
// What makes the numbers unusable, or "".
const char* scaler_fault(const TargetScaler& scaler);

}  // namespace molrt
