#include "chem/mol_block.h"

#include <GraphMol/Conformer.h>
#include <GraphMol/FileParsers/FileParsers.h>
#include <GraphMol/QueryAtom.h>
#include <GraphMol/QueryBond.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <new>
#include <string_view>

#include "base/text.h"
#include "chem/row_error.h"
#include "molrt.h"

namespace molrt {
namespace {

using RDKit::RWMol;

constexpr size_t longest_block = 16 << 20;  // bytes

[[noreturn]] void invalid(const std::string& reason) {
  throw RowError(MOLRT_ROW_INVALID_MOL_BLOCK, reason);
}

std::string_view line_of(std::string_view text, int number) {
  for (; number > 0 && !text.empty(); --number)
    text.remove_prefix(std::min(text.find('\n'), text.size() - 1) + 1);
  return text.substr(0, text.find('\n'));
}

// RDKit allocates what a V3000 counts line announces, whatever follows.
void check_counts(std::string_view text) {
  const std::string_view block = text.substr(0, text.find("M  END"));
  constexpr std::string_view counts = "M  V30 COUNTS ";
  const auto lines = static_cast<size_t>(std::count(block.begin(), block.end(), '\n'));
  for (size_t at = block.find(counts); at != block.npos; at = block.find(counts, at + 1)) {
    std::string_view rest = block.substr(at + counts.size());
    rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
    size_t atoms = 0;
    const auto read = std::from_chars(rest.data(), rest.data() + rest.size(), atoms);
    if (read.ec != std::errc() || atoms > lines)
      invalid(fmt::format("the counts line announces more atoms than its {} lines hold", lines));
  }
}

void check_text(std::string_view block) {
  if (trim(block).empty()) throw RowError(MOLRT_ROW_EMPTY, "empty MOL block");
  if (block.size() > longest_block)
    invalid(fmt::format("{} bytes are more than the limit of {}", block.size(), longest_block));
  check_counts(block);
}

bool is_dummy(const RDKit::Atom& atom) {
  return atom.getAtomicNum() == 0 &&
         (!atom.hasQuery() || atom.getQuery()->getDescription() == "AtomNull");
}

void check_no_queries(const RWMol& molecule) {
  for (const RDKit::Atom* atom : molecule.atoms())
    if (atom->hasQuery() && !is_dummy(*atom))
      invalid(fmt::format("atom {} is a query, not an element", atom->getIdx() + 1));
  for (const RDKit::Bond* bond : molecule.bonds())
    if (bond->hasQuery()) invalid(fmt::format("bond {} is a query", bond->getIdx() + 1));
}

void check_coordinates(const RWMol& molecule) {
  const RDKit::Conformer& positions = molecule.getConformer();
  for (const RDKit::Atom* atom : molecule.atoms()) {
    const RDGeom::Point3D& p = positions.getAtomPos(atom->getIdx());
    for (double v : {p.x, p.y, p.z})
      if (!std::isfinite(static_cast<float>(v)))
        throw RowError(MOLRT_ROW_BAD_COORDINATES,
                       fmt::format("a coordinate of atom {} ({}) is {}, expected a finite float32 "
                                   "in Angstrom",
                                   atom->getIdx() + 1, atom->getSymbol(), v));
  }
}

bool has_wedges(const RWMol& molecule) {
  using namespace RDKit::common_properties;
  for (const RDKit::Bond* bond : molecule.bonds()) {
    unsigned v2000 = 0, v3000 = 0;
    bond->getPropIfPresent(_MolFileBondStereo, v2000);
    bond->getPropIfPresent(_MolFileBondCfg, v3000);
    if (bond->getBondType() == RDKit::Bond::SINGLE && (v2000 || v3000)) return true;
  }
  return false;
}

// The dimension code of the second line: IIPPPPPPPPMMDDYYHHmmdd.
bool marked_3d(std::string_view block) {
  const std::string_view line = line_of(block, 1);
  return line.size() >= 22 && (line.substr(20, 2) == "3D" || line.substr(20, 2) == "3d");
}

}  // namespace

std::unique_ptr<RWMol> read_mol_block(const std::string& block, bool finished) {
  check_text(block);
  std::unique_ptr<RWMol> molecule;
  try {
    molecule.reset(RDKit::MolBlockToMol(block, finished, false, true));
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception& e) {  // of the format, of sanitisation or of RDKit's own checks
    invalid(e.what());
  }
  if (!molecule) invalid("RDKit cannot read it");
  if (molecule->getNumAtoms() == 0) throw RowError(MOLRT_ROW_EMPTY, "a molecule without atoms");
  check_no_queries(*molecule);
  check_coordinates(*molecule);
  return molecule;
}

bool is_structure(const RWMol& molecule, const std::string& block) {
  constexpr double flat = 1e-3;  // Angstrom; RDKit's own limit
  const auto& points = molecule.getConformer().getPositions();
  if (std::any_of(points.begin(), points.end(),
                  [](const RDGeom::Point3D& p) { return std::abs(p.z) > flat; }))
    return true;
  const bool somewhere = std::any_of(points.begin(), points.end(),
                                     [](const RDGeom::Point3D& p) { return p.x != 0 || p.y != 0; });
  return somewhere && marked_3d(block) && !has_wedges(molecule);
}

}  // namespace molrt
