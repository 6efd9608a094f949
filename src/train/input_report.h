#pragma once
// What a run tells of the numbers that its heads read beside the representation.
#include <nlohmann/json.hpp>

#include "train/fold.h"

namespace molrt {

// Keys: head_training.h, "inputs". `rows` are those used.
nlohmann::ordered_json input_report(std::span<const Fold> members, std::span<const size_t> rows);

}  // namespace molrt
