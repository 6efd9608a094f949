#pragma once
// What a training run tells about itself (keys: head_training.h).
#include <span>
#include <vector>

#include "train/rows.h"

namespace molrt {

// Fills in the result's plan, thresholds, held_out and report. `members` and `fits` of the networks
// that were reached.
void finish_result(const std::vector<Fold>& members, std::span<const FoldFit* const> fits,
                   const Settings& settings, const UsedRows& rows, HeadTrainingResult& result);

}  // namespace molrt
