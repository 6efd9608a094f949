#include "chem/canonical.h"

#include <GraphMol/MolOps.h>
#include <GraphMol/SmilesParse/SmilesWrite.h>
#include <fmt/format.h>

#include <algorithm>
#include <new>
#include <stdexcept>

#include "base/error.h"
#include "base/text.h"
#include "chem/molecule.h"
#include "chem/rdkit_session.h"

namespace molrt {
namespace {

using RDKit::Atom;
using RDKit::RWMol;

// RDKit's canonical SMILES, read and written again, is not always itself.
constexpr int most_rounds = 16;

struct WrittenSmiles {
  std::string text;
  std::vector<int> order;  // the molecule's atom that each atom of the text is
};

WrittenSmiles write_canonical(const Molecule& molecule) {
  const char* number = "molrt_atom";
  RWMol bare(*molecule.graph);
  for (Atom* atom : bare.atoms()) {
    atom->setProp(number, static_cast<int>(atom->getIdx()));
    atom->setAtomMapNum(0);
  }
  RDKit::MolOps::removeHs(bare);
  WrittenSmiles written{RDKit::MolToSmiles(bare), {}};
  std::vector<unsigned> order;
  bare.getProp(RDKit::common_properties::_smilesAtomOutputOrder, order);
  for (unsigned atom : order)
    written.order.push_back(bare.getAtomWithIdx(atom)->getProp<int>(number));
  return written;
}

// A hydrogen on `parent` that is no other atom's match yet; takes it.
int take_hydrogen(const RWMol& molecule, int parent, std::vector<bool>& taken) {
  for (const Atom* atom : molecule.atomNeighbors(molecule.getAtomWithIdx(parent)))
    if (atom->getAtomicNum() == 1 && !taken[atom->getIdx()]) {
      taken[atom->getIdx()] = true;
      return static_cast<int>(atom->getIdx());
    }
  throw std::logic_error("the canonical SMILES has a hydrogen more than its molecule");
}

// [atoms of `read`]: the atom of `before` that each one is. `read` was read from what was written
// of `before`, whose atoms come first and are followed by hydrogens.
std::vector<int> match(const Molecule& read, const Molecule& before, const WrittenSmiles& written) {
  std::vector<bool> taken(before.graph->getNumAtoms(), false);
  std::vector<int> matches;
  for (int atom : written.order) taken[atom] = true;
  for (const Atom* atom : read.graph->atoms()) {
    const int32_t place = read.input_index[atom->getIdx()];
    if (place >= 0) {
      matches.push_back(written.order.at(place));
    } else {
      const Atom* parent = *read.graph->atomNeighbors(atom).begin();
      matches.push_back(take_hydrogen(*before.graph, matches.at(parent->getIdx()), taken));
    }
  }
  return matches;
}

// Writing and reading, again and again.
struct Rounds {
  Molecule molecule;
  std::vector<int32_t> input_index;
  std::string text;

  void next() {
    const WrittenSmiles written = write_canonical(molecule);
    Molecule read = parse_molecule(written.text, {});
    std::vector<int32_t> index;
    for (int atom : match(read, molecule, written)) index.push_back(input_index.at(atom));
    molecule = std::move(read);
    input_index = std::move(index);
    text = written.text;
  }
};

// Until the text stands still; where it never does, the smallest of those that it goes through.
CanonicalForm settle(Molecule molecule) {
  Rounds rounds{std::move(molecule), {}, {}};
  rounds.input_index = rounds.molecule.input_index;
  CanonicalForm smallest;
  for (int round = 0; round < 2 * most_rounds; ++round) {
    const std::string before = rounds.text;
    rounds.next();
    if (round >= most_rounds && (smallest.input_index.empty() || rounds.text < smallest.text.text))
      smallest = {rounds.text, rounds.input_index};
    if (rounds.text == before) return {rounds.text, rounds.input_index};
  }
  return smallest;
}

}  // namespace

CanonicalForm canonical_form(const MoleculeText& text) {
  const RdkitSession session;
  try {
    Molecule molecule = parse_molecule(text, {});
    if (!molecule.given()) return settle(std::move(molecule));
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception&) {
    // Whoever makes a conformer of it will say why.
  }
  return {text, {}};
}

namespace {

// STATE, naming the text, for whatever `write` throws of its molecule.
template <typename Write>
std::string smiles_of(const MoleculeText& text, const Write& write) {
  const RdkitSession session;
  try {
    Molecule molecule = parse_molecule(text, {});
    if (const auto atoms = static_cast<int>(molecule.graph->getNumAtoms()); atoms > most_atoms)
      throw std::runtime_error(
          fmt::format("{} atoms are more than the {} that are made canonical", atoms, most_atoms));
    return write(std::move(molecule));
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception& e) {
    fail(MOLRT_ERROR_STATE, "{}: {}", described(text), printable(e.what()));
  }
}

}  // namespace

std::string canonical_smiles(const MoleculeText& text) {
  return smiles_of(text, [](Molecule molecule) { return settle(std::move(molecule)).text.text; });
}

std::string constitution_smiles(const MoleculeText& text) {
  return smiles_of(text, [](const Molecule& molecule) {
    RWMol bare(*molecule.graph);
    for (Atom* atom : bare.atoms()) {
      atom->setAtomMapNum(0);
      atom->setIsotope(0);
    }
    RDKit::MolOps::removeHs(bare);
    return RDKit::MolToSmiles(bare, false);
  });
}

}  // namespace molrt
