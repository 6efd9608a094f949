#pragma once
// Descriptors that are computed several at once, under the names and with the values of RDKit's
// Python module Descriptors, which computes these from the same C++ functions and patterns.
#include <string>
#include <vector>

namespace RDKit {
class ROMol;
}

namespace molrt {

struct DescriptorGroup {
  std::vector<std::string> names;
  std::vector<double> (*values)(const RDKit::ROMol& molecule);  // [names], finite or not
};

// SlogP_VSA, SMR_VSA, PEOE_VSA, EState indices and their VSA hybrids, fr_ counts. Thread-safe.
const std::vector<DescriptorGroup>& descriptor_groups();

// Electrotopological state of each atom (Hall, Mohney, Kier, J. Chem. Inf. Comput. Sci. 1991, 31,
// 76), hydrogens implicit, as RDKit's Python has it; its C++ has it for explicit hydrogens only.
std::vector<double> estate_indices(const RDKit::ROMol& molecule);

// Matches of each functional group's pattern (chem/fragments.cpp).
const std::vector<std::string>& fragment_names();
std::vector<double> count_fragments(const RDKit::ROMol& molecule);

}  // namespace molrt
