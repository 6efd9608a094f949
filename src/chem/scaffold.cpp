#include "chem/scaffold.h"

#include <GraphMol/ChemTransforms/ChemTransforms.h>
#include <GraphMol/MolOps.h>
#include <GraphMol/SmilesParse/SmilesWrite.h>

#include <memory>
#include <new>

#include "base/text.h"
#include "chem/mol_block.h"
#include "chem/rdkit_session.h"
#include "chem/smiles.h"

namespace molrt {
namespace {

// As Python's readers give it, whose scaffolds the peers' are.
std::unique_ptr<RDKit::RWMol> without_hydrogens(const MoleculeText& text) {
  if (text.format == TextFormat::smiles) return read_smiles(std::string(trim(text.text)), true);
  auto molecule = read_mol_block(text.text, true);
  RDKit::MolOps::removeHs(*molecule);
  return molecule;
}

}  // namespace

std::string murcko_scaffold(const MoleculeText& text, bool chiral) {
  const RdkitSession session;
  try {
    const std::unique_ptr<RDKit::RWMol> molecule = without_hydrogens(text);
    const std::unique_ptr<RDKit::ROMol> scaffold(RDKit::MurckoDecompose(*molecule));
    scaffold->clearComputedProps();
    scaffold->updatePropertyCache();
    RDKit::MolOps::symmetrizeSSSR(*scaffold);
    return RDKit::MolToSmiles(*scaffold, chiral);
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception&) {
    return text.text;
  }
}

}  // namespace molrt
