#pragma once
// Between a target's own units and the scaled values that the head is trained on.
namespace molrt {

// scaled = (value - mean) / scale; mean 0, scale 1 where scaling is off.
struct TargetScaler {
  double mean = 0;
  double scale = 1;  // > 0
  double scaled(double value) const { return (value - mean) / scale; }
  double inverse(double scaled) const { return scaled * scale + mean; }
};

}  // namespace molrt
