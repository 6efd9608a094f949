#pragma once
// Points of the curves and sources as JSON: exactly, for checkpoints, and for people.
#include <nlohmann/json.hpp>

#include "pretrain/corpus.h"
#include "pretrain/losses.h"

namespace molrt {

// A point of the curves: means since the one before, and of the held-out molecules (counts are 0
// without any).
struct PretrainRecord {
  uint64_t step = 0;
  PretrainSums train, held_out;
  double lr = 0;       // of the last step
  double seconds = 0;  // of the run's computing so far
};

// Where the molecules came from, for the provenance.
struct PretrainSource {
  std::string name;    // a file's name or "batch"
  std::string sha256;  // of a file
  uint64_t bytes = 0;
  Corpus::Added added;
};

nlohmann::json to_json(const PretrainSums& sums);
PretrainSums sums_of(const nlohmann::json& json);  // throws nlohmann's exceptions
nlohmann::json to_json(const PretrainRecord& record);
PretrainRecord record_of(const nlohmann::json& json);

nlohmann::ordered_json to_json(const PretrainSource& source);
// The means: every loss by name, their weighted sum ("loss"), and what they mean in elements and
// Angstrom; without those that there are none of.
nlohmann::ordered_json readable(const PretrainRecord& record, const LossWeights& weights);

}  // namespace molrt
