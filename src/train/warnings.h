#pragma once
// What a user should know of a run that ended well.
#include <string>
#include <vector>

#include "train/fold.h"

namespace molrt {

// Sentences. `rows`: those that were used; predictions [rows, outputs]: of every fold's watched
// rows (report.h).
//  - Predictions of a target that are nearly constant: their standard deviation is below 5 % of the
//    labels'; of multiclass that of every class's probability.
//  - Predictions that are NaN, beyond what the target's scaling can give.
//  - Measured values that are all 0 or 1.
//  - A class that is not among a fold's training rows.
std::vector<std::string> training_warnings(const std::vector<Fold>& folds,
                                           const std::vector<size_t>& rows,
                                           const std::vector<float>& predictions);

}  // namespace molrt
