#pragma once
// What RDKit tells of a molecule without a network: descriptors and Morgan counts.
#include <string>
#include <vector>

#include "chem/molecule_text.h"

namespace molrt {

struct DescriptorList {
  std::vector<std::string> names;  // each out of known_descriptors()
  int morgan_radius = 2;           // bonds around each atom
  int morgan_bits = 0;             // counts of environments, by their hash modulo this; 0: none
  size_t size() const { return names.size() + static_cast<size_t>(morgan_bits); }
  bool operator==(const DescriptorList&) const = default;
};

// 189, under RDKit's names: chem/descriptor_groups.h.
const std::vector<std::string>& known_descriptors();

// [names, then bits] of the molecule without explicit hydrogens: of its canonical SMILES, so that
// they do not depend on the text. NaN where RDKit gives no finite number. Throws if the text cannot
// be read, and for a name that is not known. Thread-safe.
std::vector<double> describe_molecule(const MoleculeText& text, const DescriptorList& list);

}  // namespace molrt
