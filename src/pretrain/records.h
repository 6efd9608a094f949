#pragma once
// Points of the curves and sources as JSON: exactly, for checkpoints, and for people.
#include <nlohmann/json.hpp>

#include "pretrain/pretraining.h"

namespace molrt {

nlohmann::json to_json(const PretrainSums& sums);
PretrainSums sums_of(const nlohmann::json& json);  // throws nlohmann's exceptions
nlohmann::json to_json(const PretrainRecord& record);
PretrainRecord record_of(const nlohmann::json& json);

nlohmann::ordered_json to_json(const PretrainSource& source);
// The means: every loss by name, their weighted sum ("loss"), and what they mean in elements and
// Angstrom; without those that there are none of.
nlohmann::ordered_json readable(const PretrainRecord& record, const LossWeights& weights);

}  // namespace molrt
