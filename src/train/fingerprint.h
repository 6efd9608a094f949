#pragma once
// What a training run depends on, as a checkpoint remembers it: numbers and CRCs.
#include <nlohmann/json.hpp>

#include "model/batch.h"
#include "train/head_training.h"

namespace molrt {

uint32_t crc_of(const TensorMap& tensors);

// Known before the molecules are made.
nlohmann::json run_facts(const Model& base, const HeadTrainingData& data, const Batch& batch,
                         const Settings& settings);
// CRCs of the user's columns.
nlohmann::json column_facts(const HeadTrainingData& data);
// Known after: what the network reads of each row.
nlohmann::json molecule_facts(const Batch& batch);

}  // namespace molrt
