#pragma once
// What a run's networks predict of rows that they were not trained on.
#include "train/fold.h"

namespace molrt {

// [rows, outputs], own units or probabilities, of every member's watched rows; NaN elsewhere. Where
// several members of a split watch a row it is their mean in scaled units, as the model of these
// members would predict it.
std::vector<float> member_predictions(std::span<const Fold> members,
                                      std::span<const FoldFit* const> fits);

// The same without the rows that no member held out.
std::vector<float> held_out_only(std::span<const Fold> members,
                                 const std::vector<float>& predictions);

}  // namespace molrt
