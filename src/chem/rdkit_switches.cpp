#include "chem/rdkit_switches.h"

#include <GraphMol/Chirality.h>
#include <GraphMol/Depictor/RDDepictor.h>

namespace molrt {

std::string rdkit_switches() {
  std::string digits;
  for (const bool on :
       {RDKit::Chirality::getUseLegacyStereoPerception(),
        RDKit::Chirality::getAllowNontetrahedralChirality(), RDDepict::preferCoordGen})
    digits += on ? '1' : '0';
  return digits;
}

}  // namespace molrt
