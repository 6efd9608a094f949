#pragma once
// The Fisher information of a network's parameters on its training rows, and the choice of those
// that have most of it (spec: regularisers.md 0a and 8.2): F_i = mean over the samples of
// (dl/dtheta_i)^2.
#include "train/method.h"

namespace molrt {

struct FisherSettings {
  bool of_batches;      // the square of a batch's mean gradient, rather than of each molecule's
  bool label_of_model;  // what the network predicts, rather than what was measured
  bool classes, softmax;
  bool dropout;
  double clip;      // largest norm of a tensor's gradient; 0: none
  int64_t batches;  // that are looked at; 0: all
};

// [tensors][elements] of those tensors.
using Scores = std::vector<std::vector<float>>;
Scores fisher_information(const EpochStart& start, std::span<const size_t> tensors,
                          const FisherSettings& settings);

// Bits of all elements, one tensor's behind the other's, set for the floor(keep N + 1/2) largest
// scores of N; of equal ones for those that come first. Scores are not negative; DATA error for one
// that is not a number.
std::vector<int64_t> largest_bits(const Scores& scores, double keep);

}  // namespace molrt
