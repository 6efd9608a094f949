#pragma once
// What a run's networks predict of rows that they were not trained on.
#include "train/fold.h"

namespace molrt {

// [rows, outputs], own units or probabilities, of every member's watched rows; NaN elsewhere. Where
// several members watch a row it is their mean, as the model of these members would predict it.
std::vector<float> member_predictions(std::span<const Fold> members,
                                      std::span<const FoldFit* const> fits);
// Puts those of the test, the mean over all members, in place.
void put_test_predictions(std::span<const Fold> members, std::span<const FoldFit* const> fits,
                          std::vector<float>& predictions);

// The same without the rows that every member was trained on.
std::vector<float> unseen_only(std::span<const Fold> members,
                               const std::vector<float>& predictions);

}  // namespace molrt
