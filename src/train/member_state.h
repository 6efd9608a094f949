#pragma once
// A trained member as a checkpoint keeps it.
#include "train/checkpoint.h"
#include "train/fold.h"

namespace molrt {

CheckpointState state_of_fit(FoldFit& fit);            // views of it
FoldFit fit_from_state(const CheckpointState& state);  // FORMAT if it is broken

}  // namespace molrt
