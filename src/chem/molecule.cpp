#include "chem/molecule.h"

#include <GraphMol/MolOps.h>
#include <GraphMol/SmilesParse/SmilesParse.h>
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <new>
#include <stdexcept>

#include "base/text.h"
#include "chem/row_error.h"
#include "molrt.h"

namespace molrt {
namespace {

using RDKit::Atom;
using RDKit::RWMol;

constexpr size_t longest_smiles = 100'000;  // characters, name included

[[noreturn]] void invalid(const std::string& reason) {
  throw RowError(MOLRT_ROW_INVALID_SMILES, reason);
}

// RDKit takes a control or non-ASCII character for the end and would silently return another
// molecule.
void check_characters(std::string_view text) {
  if (text.size() > longest_smiles)
    invalid(
        fmt::format("{} characters are more than the limit of {}", text.size(), longest_smiles));
  const std::string_view molecule = text.substr(0, text.find_first_of(" \t"));
  for (size_t i = 0; i < molecule.size(); ++i)
    if (const auto c = static_cast<unsigned char>(molecule[i]); c < 0x20 || c > 0x7e)
      invalid(fmt::format("byte {:#04x} at position {} is no character of SMILES", c, i + 1));
}

// RDKit tells the place of a syntax error only to its log, which is global to the process and off.
constexpr const char* syntax_error =
    "RDKit cannot read it: a syntax error, an unknown element, an unclosed bracket, branch or ring";

// finished: sanitised and without the hydrogens that RDKit takes for implicit (the Python default);
// else the atoms exactly as they are written.
std::unique_ptr<RWMol> parse(const std::string& text, bool finished) {
  RDKit::SmilesParserParams parameters;
  parameters.sanitize = parameters.removeHs = finished;
  std::unique_ptr<RWMol> molecule;
  try {
    molecule.reset(RDKit::SmilesToMol(text, parameters));
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception& e) {  // of sanitisation, of extensions or of RDKit's own checks
    invalid(e.what());
  }
  if (!molecule) invalid(syntax_error);
  return molecule;
}

bool is_hydrogen(const Atom& atom) { return atom.getAtomicNum() == 1; }

int count_atoms(const RWMol& molecule, bool heavy_atoms_only) {
  int count = 0;
  for (const Atom* atom : molecule.atoms())
    if (!heavy_atoms_only || !is_hydrogen(*atom)) ++count;
  return count;
}

// at_least: hydrogens may still be missing.
void check_size(const RWMol& molecule, const SizeLimit& limit, bool at_least) {
  const auto check = [&](int atoms, int most, const char* kind) {
    if (atoms > most)
      throw RowError(MOLRT_ROW_TOO_LARGE,
                     fmt::format("{}{} {} are more than the limit of {}",
                                 at_least ? "at least " : "", atoms, kind, most));
  };
  if (limit.max_atoms > 0)
    check(count_atoms(molecule, limit.heavy_atoms_only), limit.max_atoms,
          limit.heavy_atoms_only ? "heavy atoms" : "atoms");
  check(count_atoms(molecule, false), most_atoms, "atoms");
}

// Which atoms RDKit keeps of those written, and the hydrogens that it took off, by their neighbour.
struct WrittenAtoms {
  std::vector<int32_t> kept;
  std::map<int32_t, std::vector<int32_t>> hydrogens_of;
};

WrittenAtoms trace_written_atoms(RWMol& written) {
  const char* index = "molrt_index";
  for (Atom* atom : written.atoms()) atom->setProp(index, static_cast<int>(atom->getIdx()));
  RWMol stripped(written);
  RDKit::MolOps::removeHs(stripped, false, true, true);  // as SmilesToMol does
  WrittenAtoms traced;
  for (const Atom* atom : stripped.atoms()) traced.kept.push_back(atom->getProp<int>(index));
  for (const Atom* atom : written.atoms()) {
    const auto written_index = static_cast<int32_t>(atom->getIdx());
    if (std::binary_search(traced.kept.begin(), traced.kept.end(), written_index)) continue;
    for (const Atom* neighbour : written.atomNeighbors(atom))
      traced.hydrogens_of[static_cast<int32_t>(neighbour->getIdx())].push_back(written_index);
  }
  return traced;
}

// The index map of `molecule`, whose first `kept` atoms RDKit kept and whose others it added.
std::vector<int32_t> map_to_written(const RWMol& molecule, size_t kept, RWMol& written) {
  WrittenAtoms traced = trace_written_atoms(written);
  if (traced.kept.size() != kept)
    throw std::logic_error(fmt::format("RDKit kept {} atoms of the SMILES once and {} then", kept,
                                       traced.kept.size()));
  std::vector<int32_t> index = std::move(traced.kept);
  for (size_t i = kept; i < molecule.getNumAtoms(); ++i) {
    const Atom* added = molecule.getAtomWithIdx(static_cast<unsigned>(i));
    const Atom* parent = *molecule.atomNeighbors(added).begin();
    std::vector<int32_t>& taken_off = traced.hydrogens_of[index[parent->getIdx()]];
    index.push_back(taken_off.empty() ? -1 : taken_off.front());
    if (!taken_off.empty()) taken_off.erase(taken_off.begin());
  }
  return index;
}

}  // namespace

std::string quoted_smiles(std::string_view smiles) {
  return fmt::format("\"{}\"", printable(smiles, 80));
}

Molecule parse_molecule(std::string_view smiles, const SizeLimit& limit) {
  const std::string text(trim(smiles));
  if (text.empty()) throw RowError(MOLRT_ROW_EMPTY, "empty SMILES");
  check_characters(text);
  const std::unique_ptr<RWMol> written = parse(text, false);
  check_size(*written, limit, true);  // before sanitisation, whose cost grows with the rings
  Molecule molecule;
  molecule.graph = parse(text, true);
  const size_t kept = molecule.graph->getNumAtoms();
  if (kept == 0) throw RowError(MOLRT_ROW_EMPTY, "a molecule without atoms");
  molecule.graph->clearConformers();  // a CXSMILES may bring coordinates
  RDKit::MolOps::addHs(*molecule.graph);
  check_size(*molecule.graph, limit, false);
  molecule.input_index = map_to_written(*molecule.graph, kept, *written);
  return molecule;
}

}  // namespace molrt
