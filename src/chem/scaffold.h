#pragma once
// Bemis-Murcko scaffolds: a molecule's rings and what links them.
#include <string>

#include "chem/molecule_text.h"

namespace molrt {

// As RDKit's MurckoScaffoldSmiles(text, includeChirality=chiral): canonical SMILES, "" for a
// molecule without rings. What RDKit finds no scaffold of is its own, as unimol_tools has it. Never
// throws but for memory. Thread-safe.
std::string murcko_scaffold(const MoleculeText& text, bool chiral);

}  // namespace molrt
