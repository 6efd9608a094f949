#pragma once
// target_scaler.ss of unimol_tools: one scikit-learn scaler, or a list of one a target.
#include <vector>

#include "base/file.h"
#include "model/target_scaler.h"

namespace molrt {

// One scaler for each of `targets`. UNSUPPORTED naming the class for scalers without an inverse or
// that are not known; FORMAT for broken files and scalers of another number of targets.
std::vector<TargetScaler> read_tools_scalers(ByteSource& source, size_t targets);

// threshold.dat: one probability for each of `targets`.
std::vector<double> read_tools_thresholds(ByteSource& source, size_t targets);

}  // namespace molrt
