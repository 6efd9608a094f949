#pragma once
// SMILES -> RDKit's molecule with all hydrogens, as Chem.AddHs(Chem.MolFromSmiles(smiles)).
#include <GraphMol/RWMol.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace molrt {

struct Molecule {
  std::unique_ptr<RDKit::RWMol> graph;  // sanitised; without a conformer
  // [atoms]: the atom's index in the SMILES, -1 for a hydrogen that the SMILES does not write.
  // RDKit takes hydrogens written as atoms off and puts them back after the others: they keep their
  // index.
  std::vector<int32_t> input_index;
};

struct SizeLimit {
  int max_atoms = 0;  // 0: only the absolute limit of parse_molecule
  bool heavy_atoms_only = false;
};

// The most atoms, hydrogens included, that a conformer is made for: an attempt's time grows with
// more than their cube (1,500 atoms: a minute) and its matrices with their square.
constexpr int most_atoms = 2000;

// Must run inside an RdkitSession. Throws RowError: EMPTY, INVALID_SMILES or TOO_LARGE, and
// whatever RDKit throws where that does not mean a wrong SMILES. What follows a space or tab is a
// name or a CXSMILES extension.
Molecule parse_molecule(std::string_view smiles, const SizeLimit& limit);

std::string quoted_smiles(std::string_view smiles);  // shortened and printable, for messages

}  // namespace molrt
