#pragma once
// Descriptors, in groups that are computed at once.
#include <functional>
#include <string>
#include <vector>

namespace RDKit {
class ROMol;
}

namespace molrt {

struct DescriptorGroup {
  std::vector<std::string> names;
  std::function<std::vector<double>(const RDKit::ROMol&)> values;  // [names], finite or not
};

// RDKit's registered properties (GraphMol/Descriptors/Property.h, "Properties" in Python), those
// that Debian's 2022.09 and every later version has, a group each; then, under the names and with
// the values of RDKit's Python module Descriptors, which computes them from the same C++ functions
// and patterns: SlogP_VSA, SMR_VSA, PEOE_VSA, EState indices and their VSA hybrids, fr_ counts.
// Thread-safe.
const std::vector<DescriptorGroup>& descriptor_groups();

// Electrotopological state of each atom (Hall, Mohney, Kier, J. Chem. Inf. Comput. Sci. 1991, 31,
// 76), hydrogens implicit, as RDKit's Python has it; its C++ has it for explicit hydrogens only.
std::vector<double> estate_indices(const RDKit::ROMol& molecule);

// Matches of each functional group's pattern (chem/fragments.cpp).
const std::vector<std::string>& fragment_names();
std::vector<double> count_fragments(const RDKit::ROMol& molecule);

}  // namespace molrt
