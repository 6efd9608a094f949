#pragma once
// A text -> RDKit's molecule with all hydrogens.
#include <GraphMol/RWMol.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "chem/molecule_text.h"

namespace molrt {

struct Molecule {
  // Sanitised. Of a SMILES or a drawing as Chem.AddHs(Chem.MolFromSmiles(smiles)) or
  // MolFromMolBlock gives it, without a conformer; of a MOL block with a structure of its own its
  // atoms in its order, then the hydrogens that valences lack, with one conformer.
  std::unique_ptr<RDKit::RWMol> graph;
  // [atoms]: the atom's index in the text, -1 for a hydrogen that the text does not write. RDKit
  // takes hydrogens written as atoms off and puts them back after the others: they keep their
  // index.
  std::vector<int32_t> input_index;
  bool given() const { return graph->getNumConformers() > 0; }
};

struct SizeLimit {
  int max_atoms = 0;  // 0: only the absolute limit of parse_molecule
  bool heavy_atoms_only = false;
};

// The most atoms, hydrogens included, that a conformer is made for: an attempt's time grows with
// more than their cube (1,500 atoms: a minute) and its matrices with their square.
constexpr int most_atoms = 2000;

// Must run inside an RdkitSession. Throws RowError: EMPTY, INVALID_SMILES, INVALID_MOL_BLOCK,
// BAD_COORDINATES or TOO_LARGE, and whatever RDKit throws where that does not mean a wrong text.
Molecule parse_molecule(const MoleculeText& text, const SizeLimit& limit);

}  // namespace molrt
