#include <GraphMol/Conformer.h>
#include <GraphMol/FileParsers/FileParsers.h>
#include <GraphMol/MolOps.h>
#include <GraphMol/SanitException.h>

#include <algorithm>

#include "base/error.h"
#include "chem/conformer.h"
#include "chem/molecule.h"
#include "chem/rdkit_session.h"

namespace molrt {
namespace {

using RDKit::RWMol;

std::unique_ptr<RWMol> unbonded_atoms(const Conformer& conformer) {
  auto molecule = std::make_unique<RWMol>();
  for (uint8_t number : conformer.atomic_numbers) {
    auto* atom = new RDKit::Atom(number);
    atom->setNoImplicit(true);
    molecule->addAtom(atom, false, true);  // takes the atom over
  }
  molecule->updatePropertyCache(false);
  return molecule;
}

// The text's molecule must be the one that the conformer was made of.
void check_same_atoms(const RWMol& molecule, const Conformer& conformer, const MoleculeText& text) {
  if (molecule.getNumAtoms() != conformer.atoms())
    fail(MOLRT_ERROR_INVALID_ARGUMENT, "SDF: {} has {} atoms, the conformer {}", described(text),
         molecule.getNumAtoms(), conformer.atoms());
  for (const RDKit::Atom* atom : molecule.atoms()) {
    const uint8_t number = conformer.atomic_numbers[atom->getIdx()];
    if (atom->getAtomicNum() != number)
      fail(MOLRT_ERROR_INVALID_ARGUMENT, "SDF: atom {} is {} in {} and {} in the conformer",
           atom->getIdx(), atom->getSymbol(), described(text), element_symbol(number));
  }
}

std::unique_ptr<RWMol> bonded_atoms(const MoleculeText& text, const Conformer& conformer) {
  Molecule parsed;
  try {
    parsed = parse_molecule(text, {});
  } catch (const std::runtime_error& e) {
    fail(MOLRT_ERROR_INVALID_ARGUMENT, "SDF: {}: {}", described(text), e.what());
  }
  check_same_atoms(*parsed.graph, conformer, text);
  return std::move(parsed.graph);
}

void attach(RWMol& molecule, const Conformer& conformer) {
  auto* positions = new RDKit::Conformer(molecule.getNumAtoms());
  molecule.clearConformers();
  molecule.addConformer(positions);  // takes it over
  const float* xyz = conformer.coordinates.data();
  bool flat = true;
  for (unsigned i = 0; i < molecule.getNumAtoms(); ++i, xyz += 3) {
    positions->setAtomPos(i, RDGeom::Point3D(xyz[0], xyz[1], xyz[2]));
    flat = flat && xyz[2] == 0;
  }
  positions->set3D(!flat);
}

// A line of its own that cannot be taken for the record's end.
std::string title_line(std::string_view title) {
  std::string line(title);
  std::replace_if(
      line.begin(), line.end(), [](unsigned char c) { return c < 0x20; }, ' ');
  return line.starts_with("$$$$") ? " " + line : line;
}

}  // namespace

namespace {

// With double bonds where RDKit finds a place for them, as in nearly all; else with aromatic ones.
std::string mol_block(const RWMol& molecule) {
  try {
    return RDKit::MolToMolBlock(molecule);
  } catch (const RDKit::MolSanitizeException&) {
    return RDKit::MolToMolBlock(molecule, true, -1, false);
  }
}

}  // namespace

std::string sdf_record(const MoleculeText& text, const Conformer& conformer,
                       std::string_view title) {
  const RdkitSession session;
  const std::unique_ptr<RWMol> molecule =
      text.text.empty() ? unbonded_atoms(conformer) : bonded_atoms(text, conformer);
  attach(*molecule, conformer);
  molecule->setProp("_Name", title_line(title));
  return mol_block(*molecule) + "$$$$\n";
}

}  // namespace molrt
