#pragma once
// The molecules that all engines read: a safetensors file of F32 tensors, lengths [n], tokens [sum]
// and coordinates [sum, 3], one molecule behind the other.
#include <string>
#include <vector>

#include "features/features.h"

namespace molrt {

void write_molecules(const std::vector<Features>& molecules, const std::string& path);
std::vector<Features> read_molecules(const std::string& path);

}  // namespace molrt
