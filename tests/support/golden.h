#pragma once
// The golden files' models and molecules.
#include "io/model_file.h"
#include "support/npz.h"

namespace molrt::test {

Model open_golden(const std::string& file, const OpenOptions& options = {});

// Of all molecules of a *_forward.npz, from the coordinates stored there.
std::vector<Features> golden_features(const Npz& golden, const Model& model);

std::vector<const Features*> pointers(const std::vector<Features>& features);

}  // namespace molrt::test
