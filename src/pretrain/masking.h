#pragma once
// What a molecule becomes for one step of pre-training (spec: model.md section 5): some of its
// atoms are hidden and moved, and the network is to say what and where they were.
#include <cstdint>
#include <vector>

#include "base/philox.h"
#include "features/features.h"

namespace molrt {

struct MaskSettings {
  double rate = .15;    // of the atoms, chosen
  double keep = .05;    // of the chosen: stay as they are
  double random = .05;  // of the chosen: become another element; the rest [MASK]
  double noise =
      1;  // Angstrom: chosen atoms that are not kept move by U(-noise, noise) on each axis
};

struct MaskedMolecule {
  Features noised;               // what the network reads
  std::vector<float> clean;      // [n, 3] of all tokens, in the same frame
  std::vector<int32_t> chosen;   // tokens of the chosen atoms, ascending
  std::vector<int32_t> targets;  // [chosen]: what they were
};

// int(rate * atoms + U(0, 1)) atoms without replacement. What happens to an atom depends on the
// key, the molecule's id and the atom's place alone.
MaskedMolecule mask_molecule(const Features& molecule, const Dictionary& dictionary,
                             const MaskSettings& settings, PhiloxKey key, uint32_t id);

}  // namespace molrt
