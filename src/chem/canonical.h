#pragma once
// One text for a molecule, however it was written.
#include <cstdint>
#include <string>
#include <vector>

#include "chem/molecule_text.h"

namespace molrt {

struct CanonicalForm {
  MoleculeText text;
  // [atoms of the text's molecule, hydrogens included]: each one's index in the text as it was
  // given, -1 for a hydrogen that it did not write. Empty: the text is as it was given.
  std::vector<int32_t> input_index;
};

// The canonical isomeric SMILES, atom map numbers left out. What cannot be read stays as it is, and
// so does a MOL block with a structure of its own. Never throws but for memory. Thread-safe.
CanonicalForm canonical_form(const MoleculeText& text);

// The same SMILES of any text, structures included. STATE if it cannot be read.
std::string canonical_smiles(const MoleculeText& text);

// The SMILES of its atoms and bonds alone, without stereochemistry, isotopes and atom map numbers:
// all stereoisomers have the same. STATE if the text cannot be read.
std::string constitution_smiles(const MoleculeText& text);

}  // namespace molrt
