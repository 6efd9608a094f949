#pragma once
// MOL blocks (V2000, V3000) -> RDKit's molecule. Must run inside an RdkitSession.
#include <GraphMol/RWMol.h>

#include <memory>
#include <string>

namespace molrt {

// All atoms as they are written, hydrogens included, with the block's coordinates as the only
// conformer. finished: sanitised, with the stereochemistry of wedges (2D) or coordinates (3D).
// Throws RowError: EMPTY, INVALID_MOL_BLOCK, BAD_COORDINATES.
std::unique_ptr<RDKit::RWMol> read_mol_block(const std::string& block, bool finished);

// Whether the block's coordinates are a structure: those of some atom differ from z = 0, or the
// header says "3D" of a planar one. A drawing (z = 0, unmarked or with wedges) is none, nor are
// atoms that are all at the origin.
bool is_structure(const RDKit::RWMol& molecule, const std::string& block);

}  // namespace molrt
