#include "chem/molecule.h"

#include <GraphMol/MolOps.h>
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <stdexcept>

#include "base/text.h"
#include "chem/mol_block.h"
#include "chem/row_error.h"
#include "chem/smiles.h"
#include "molrt.h"

namespace molrt {
namespace {

using RDKit::Atom;
using RDKit::RWMol;

const char* const index_property = "molrt_index";

bool is_hydrogen(const Atom& atom) { return atom.getAtomicNum() == 1; }

int count_atoms(const RWMol& molecule, bool heavy_atoms_only) {
  int count = 0;
  for (const Atom* atom : molecule.atoms())
    if (!heavy_atoms_only || !is_hydrogen(*atom)) ++count;
  return count;
}

enum class Hydrogens { missing, complete };

void check_size(int atoms, int most, const char* kind, Hydrogens hydrogens) {
  if (atoms > most)
    throw RowError(
        MOLRT_ROW_TOO_LARGE,
        fmt::format("{}{} {} are more than the limit of {}",
                    hydrogens == Hydrogens::missing ? "at least " : "", atoms, kind, most));
}

void check_limit(const RWMol& molecule, const SizeLimit& limit, Hydrogens hydrogens) {
  if (limit.max_atoms > 0)
    check_size(count_atoms(molecule, limit.heavy_atoms_only), limit.max_atoms,
               limit.heavy_atoms_only ? "heavy atoms" : "atoms", hydrogens);
}

void check_embeddable(const RWMol& molecule, const SizeLimit& limit, Hydrogens hydrogens) {
  check_limit(molecule, limit, hydrogens);
  check_size(count_atoms(molecule, false), most_atoms, "atoms", hydrogens);
}

// Which atoms RDKit keeps of those written, and the hydrogens that it took off, by their neighbour.
struct WrittenAtoms {
  std::vector<int32_t> kept;
  std::map<int32_t, std::vector<int32_t>> hydrogens_of;
};

void number_atoms(RWMol& written) {
  for (Atom* atom : written.atoms())
    atom->setProp(index_property, static_cast<int>(atom->getIdx()));
}

// `stripped` was made of `written`, which was numbered.
WrittenAtoms trace_written_atoms(const RWMol& written, const RWMol& stripped) {
  WrittenAtoms traced;
  for (const Atom* atom : stripped.atoms())
    traced.kept.push_back(atom->getProp<int>(index_property));
  for (const Atom* atom : written.atoms()) {
    const auto written_index = static_cast<int32_t>(atom->getIdx());
    if (std::binary_search(traced.kept.begin(), traced.kept.end(), written_index)) continue;
    for (const Atom* neighbour : written.atomNeighbors(atom))
      traced.hydrogens_of[static_cast<int32_t>(neighbour->getIdx())].push_back(written_index);
  }
  return traced;
}

// The index map of `molecule`, whose first atoms are those kept and whose others are added
// hydrogens.
std::vector<int32_t> map_to_written(const RWMol& molecule, WrittenAtoms traced) {
  std::vector<int32_t> index = std::move(traced.kept);
  for (size_t i = index.size(); i < molecule.getNumAtoms(); ++i) {
    const Atom* added = molecule.getAtomWithIdx(static_cast<unsigned>(i));
    const Atom* parent = *molecule.atomNeighbors(added).begin();
    std::vector<int32_t>& taken_off = traced.hydrogens_of[index[parent->getIdx()]];
    index.push_back(taken_off.empty() ? -1 : taken_off.front());
    if (!taken_off.empty()) taken_off.erase(taken_off.begin());
  }
  return index;
}

Molecule parse_smiles(const std::string& text, const SizeLimit& limit) {
  const std::unique_ptr<RWMol> written = read_smiles(text, false);
  // Before sanitisation, whose cost grows with the rings.
  check_embeddable(*written, limit, Hydrogens::missing);
  Molecule molecule;
  molecule.graph = read_smiles(text, true);
  const size_t kept = molecule.graph->getNumAtoms();
  if (kept == 0) throw RowError(MOLRT_ROW_EMPTY, "a molecule without atoms");
  molecule.graph->clearConformers();  // a CXSMILES may bring coordinates
  RDKit::MolOps::addHs(*molecule.graph);
  check_embeddable(*molecule.graph, limit, Hydrogens::complete);
  number_atoms(*written);
  RWMol stripped(*written);
  RDKit::MolOps::RemoveHsParameters as_smiles_to_mol;
  as_smiles_to_mol.updateExplicitCount = true;
  RDKit::MolOps::removeHs(stripped, as_smiles_to_mol);
  if (stripped.getNumAtoms() != kept)
    throw std::logic_error(fmt::format("RDKit kept {} atoms of the SMILES once and {} then", kept,
                                       stripped.getNumAtoms()));
  molecule.input_index = map_to_written(*molecule.graph, trace_written_atoms(*written, stripped));
  return molecule;
}

// As it stands, with the hydrogens that valences lack.
Molecule complete_structure(std::unique_ptr<RWMol> written, const SizeLimit& limit) {
  Molecule molecule;
  molecule.input_index.resize(written->getNumAtoms());
  std::iota(molecule.input_index.begin(), molecule.input_index.end(), 0);
  molecule.graph = std::move(written);
  RDKit::MolOps::addHs(*molecule.graph, false, true);
  molecule.input_index.resize(molecule.graph->getNumAtoms(), -1);
  check_limit(*molecule.graph, limit, Hydrogens::complete);
  return molecule;
}

// As the same molecule's SMILES.
Molecule complete_drawing(std::unique_ptr<RWMol> written, const SizeLimit& limit) {
  written->clearConformers();
  number_atoms(*written);
  Molecule molecule;
  molecule.graph = std::make_unique<RWMol>(*written);
  RDKit::MolOps::removeHs(*molecule.graph);
  WrittenAtoms traced = trace_written_atoms(*written, *molecule.graph);
  RDKit::MolOps::addHs(*molecule.graph);
  check_embeddable(*molecule.graph, limit, Hydrogens::complete);
  molecule.input_index = map_to_written(*molecule.graph, std::move(traced));
  return molecule;
}

Molecule parse_mol_block(const std::string& block, const SizeLimit& limit) {
  const std::unique_ptr<RWMol> written = read_mol_block(block, false);
  const bool structure = is_structure(*written, block);
  (structure ? check_limit : check_embeddable)(*written, limit, Hydrogens::missing);
  auto finished = read_mol_block(block, true);
  return structure ? complete_structure(std::move(finished), limit)
                   : complete_drawing(std::move(finished), limit);
}

}  // namespace

std::string described(const MoleculeText& molecule) {
  constexpr size_t longest = 80;
  if (molecule.format == TextFormat::smiles)
    return fmt::format("SMILES \"{}\"", printable(molecule.text, longest));
  const std::string_view title =
      std::string_view(molecule.text).substr(0, molecule.text.find('\n'));
  return fmt::format("MOL block \"{}\"", printable(title, longest));
}

Molecule parse_molecule(const MoleculeText& text, const SizeLimit& limit) {
  if (text.format == TextFormat::mol_block) return parse_mol_block(text.text, limit);
  return parse_smiles(std::string(trim(text.text)), limit);
}

}  // namespace molrt
