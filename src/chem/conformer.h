#pragma once
// 1. Text -> molecule -> conformer, with the exact calls of RDKit's Python defaults
//    (spec: model.md section 1). The only folder that sees RDKit.
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "chem/molecule_text.h"
#include "molrt.h"

namespace molrt {

struct Conformer {
  std::vector<uint8_t> atomic_numbers;  // [n]; 0: dummy or no element
  std::vector<float> coordinates;       // [n, 3], Angstrom, as RDKit gave them (not centred)
  std::vector<int32_t> input_index;     // [n]: index in the text or the given atoms (hydrogens that
                                        // are written as atoms have one too); -1: added hydrogen
  size_t atoms() const { return atomic_numbers.size(); }
};

struct ConformerOptions {
  bool peer_ladder =
      false;  // the peer's call, then 2D; else a retry from random coordinates between
  int seed = 42;
  bool flat = false;       // nothing but the 2D drawing
  double time_limit = 60;  // seconds a conformer, 0: none; looked at between RDKit's attempts to
                           // embed (one takes .3 s for 200 atoms, a minute for 1,500) and in MMFF94
  int max_atoms = 0;       // larger molecules are TOO_LARGE before embedding; 0: more than 2,000
                           // atoms, hydrogens included, which are too many in any case
  std::function<bool()> stop;     // asked while RDKit works; true abandons the conformer: PENDING
  bool heavy_atoms_only = false;  // max_atoms counts atoms other than hydrogen
};

struct ConformerResult {
  int32_t status = MOLRT_ROW_PENDING;  // MOLRT_ROW_*
  int32_t source = MOLRT_SOURCE_NONE;  // MOLRT_SOURCE_*
  uint32_t flags = 0;                  // MOLRT_FLAG_RETRIED, MOLRT_FLAG_HYDROGENS_ADDED
  std::string message;                 // names the text (shortened) and what went wrong
  Conformer conformer;                 // empty unless status is OK
};

// Never throws but for memory: whatever RDKit does becomes a status. Thread-safe. A MOL block with
// a structure of its own gives that (source GIVEN).
ConformerResult make_conformer(const MoleculeText& text, const ConformerOptions& options);

// Given atoms: symbols and coordinates [n, 3]; BAD_COORDINATES if any is not finite.
ConformerResult given_conformer(const std::vector<std::string>& symbols,
                                const std::vector<double>& coordinates);

// The SDF record of a conformer (V2000; V3000 beyond 999 atoms), with the bonds of the text that it
// was made of (empty: atoms only). INVALID_ARGUMENT unless the conformer has the text's atoms,
// hydrogens included.
std::string sdf_record(const MoleculeText& text, const Conformer& conformer,
                       std::string_view title);

// "Cl" -> 17; "D" and "T" -> 1; anything else (such as "*") -> 0.
uint8_t atomic_number(std::string_view symbol);
// 17 -> "Cl"; 0 -> "*".
std::string element_symbol(uint8_t atomic_number);

std::string rdkit_version();

}  // namespace molrt
