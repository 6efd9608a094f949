#pragma once
// What was predicted of rows by networks that were not trained on them.
#include "train/fold.h"

namespace molrt {

// [rows, targets] in the targets' own units: the mean, in scaled units, over the members that held
// the row out; NaN where none did. As the model of these members would predict it.
std::vector<float> held_out_predictions(const HeadTrainingData& data,
                                        std::span<const Fold* const> folds,
                                        std::span<const FoldFit* const> fits);

}  // namespace molrt
