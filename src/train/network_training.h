#pragma once
// 4. Training a whole network: molecules come in, a network for each fold goes out.
#include "train/network.h"

namespace molrt {

// `data` has no representations; molecules [conformers]. As train_heads(), but all threads work on
// one network after the other.
HeadTrainingResult train_networks(const Model& base, const HeadTrainingData& data,
                                  const TrainingMolecules& molecules, const Settings& settings,
                                  const TrainingRun& run);

}  // namespace molrt
