#pragma once
// 4. Training a whole network: molecules come in, a network for each fold goes out.
#include "train/network.h"

namespace molrt {

struct NetworkTrainingResult {
  std::vector<TensorMap> encoders;  // [folds], plain names
  HeadTrainingResult heads;         // its heads, held-out predictions and report
};

// `data` has no representations; molecules [conformers]. As train_heads(); all threads work on one
// fold after the other.
NetworkTrainingResult train_networks(const Model& base, const HeadTrainingData& data,
                                     const TrainingMolecules& molecules, const Settings& settings,
                                     int threads, const TrainingCallback& progress,
                                     const CancelFlag& cancelled);

}  // namespace molrt
