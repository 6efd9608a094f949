#pragma once
// Uni-Mol's own weight files, for the command line.
#include <nlohmann/json.hpp>
#include <string>

#include "cli/run_facts.h"

namespace molrt::cli {

void list_official(bool as_json);  // on stdout

// What molrt_official_weights_verify says; FORMAT error that names --unverified for a broken
// download.
Json verify_official(const std::string& path);

// INVALID_ARGUMENT where --unverified could have no effect: the file has no official file's name.
void check_claims_to_be_official(const std::string& path);

}  // namespace molrt::cli
