#pragma once
// The classes of a stratified split.
#include "train/units.h"

namespace molrt {

struct HeadTrainingData;

// [molecules], numbered in the order in which they first occur: by the labels of each one's first
// row, gaps as a label of their own.
std::vector<size_t> label_classes(const HeadTrainingData& data, const Units& molecules);

// [molecules], 0 to 9: tenths of the molecules by the first target's value (the first row's); equal
// values are in one class. Fewer classes where each would have less than `least` molecules. Those
// without the value are a class of their own.
std::vector<size_t> value_classes(const HeadTrainingData& data, const Units& molecules,
                                  size_t least);

}  // namespace molrt
