#pragma once
// What stands beside CLS in the head's input: [CLS | columns of the user's | RDKit's descriptors |
// Morgan counts], each scaled by its mean and standard deviation over the fold's training rows.
#include <span>
#include <string>
#include <vector>

#include "chem/descriptors.h"

namespace molrt {

// Farther from the training mean counts as so far, in standard deviations: a rare count's deviation
// is small, and one molecule must not outweigh all others.
constexpr double input_limit = 10;

struct InputScaler {
  std::vector<double> mean, factor;  // [inputs]; factor 0: constant in training
  // x [inputs], NaN: missing -> z = (x - mean) * factor within the limit; 0, the mean, for NaN.
  void apply(std::span<const float> x, float* z) const;
  bool operator==(const InputScaler&) const = default;
};

struct HeadInputs {
  std::vector<std::string> columns;  // names of numbers that come with the molecules
  DescriptorList descriptors;
  std::string rdkit;                 // the version that computed them in training; "" without any
  std::vector<InputScaler> scalers;  // [folds]; empty without any input

  size_t size() const { return columns.size() + descriptors.size(); }
  std::vector<std::string> names() const;  // [size()]: for messages
  // How they differ from what a head of so many folds needs, or "".
  std::string fault(size_t folds) const;
};

}  // namespace molrt
