#pragma once
// SMILES -> RDKit's molecule. Must run inside an RdkitSession.
#include <GraphMol/RWMol.h>

#include <memory>
#include <string>

namespace molrt {

// finished: sanitised and without the hydrogens that RDKit takes for implicit (the Python default);
// else the atoms exactly as they are written. What follows a space or tab is a name or a CXSMILES
// extension. Throws RowError: EMPTY or INVALID_SMILES.
std::unique_ptr<RDKit::RWMol> read_smiles(const std::string& text, bool finished);

}  // namespace molrt
