#pragma once
// What a training run tells about itself (keys: head_training.h).
#include <span>
#include <vector>

#include "train/rows.h"

namespace molrt {

struct TrainedMembers {
  const std::vector<Fold>& folds;
  std::vector<const FoldFit*> fits;  // of each
};

// Fills in the result's plan, thresholds, held_out, parts, uncertainty and report. `members`: those
// that were reached; `kept`: those that the model is made of, which predict the test; `rates`: of
// prediction.
void finish_result(const TrainedMembers& members, const TrainedMembers& kept,
                   const Settings& settings, const UsedRows& rows, const SplitPlan& plan,
                   const DropoutRates& rates, HeadTrainingResult& result);

}  // namespace molrt
