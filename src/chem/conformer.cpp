#include "chem/conformer.h"

#include <GraphMol/Conformer.h>
#include <RDGeneral/versions.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <new>

#include "base/error.h"
#include "base/text.h"
#include "chem/embedding.h"
#include "chem/molecule.h"
#include "chem/rdkit_session.h"
#include "chem/row_error.h"

namespace molrt {
namespace {

bool all_finite(const std::vector<float>& values) {
  return std::all_of(values.begin(), values.end(), [](float v) { return std::isfinite(v); });
}

std::vector<float> coordinates_of(const RDKit::RWMol& molecule) {
  std::vector<float> coordinates;
  for (const RDGeom::Point3D& point : molecule.getConformer().getPositions())
    for (double component : {point.x, point.y, point.z})
      coordinates.push_back(static_cast<float>(component));
  return coordinates;
}

// Climbs down the ladder until a rung leaves finite coordinates on the molecule.
class Ladder {
 public:
  Ladder(RDKit::RWMol& molecule, const ConformerOptions& options, const Deadline& deadline)
      : molecule_(molecule), options_(options), deadline_(deadline) {}

  void climb(ConformerResult& result) {
    if (!options_.flat && climb_3d(result)) return;
    if (attempt([&] { return flat(); }, result)) return;
    throw RowError(MOLRT_ROW_NO_CONFORMER, "no conformer: " + last_failure_);
  }

 private:
  bool climb_3d(ConformerResult& result) {
    if (attempt([&] { return three_dimensional(false); }, result)) return true;
    if (options_.peer_ladder || !attempt([&] { return three_dimensional(true); }, result))
      return false;
    result.flags |= MOLRT_FLAG_RETRIED;
    return true;
  }

  // The rung's MOLRT_SOURCE_*, NONE if it failed.
  bool attempt(const std::function<int32_t()>& rung, ConformerResult& result) {
    try {
      result.source = rung();
    } catch (const std::bad_alloc&) {
      throw;
    } catch (const std::exception& e) {
      last_failure_ = printable(e.what());
      return false;
    }
    if (result.source == MOLRT_SOURCE_NONE) return false;
    result.conformer.coordinates = coordinates_of(molecule_);
    if (all_finite(result.conformer.coordinates)) return true;
    last_failure_ = "RDKit's coordinates are not finite";
    return false;
  }

  int32_t three_dimensional(bool random_coordinates) {
    if (!embed_etkdg(molecule_, {options_.seed, random_coordinates}, deadline_)) {
      last_failure_ = "RDKit found no embedding";
      return MOLRT_SOURCE_NONE;
    }
    return optimized() ? MOLRT_SOURCE_ETKDG_MMFF : MOLRT_SOURCE_ETKDG;
  }

  // MMFF94 that fails leaves ETKDG's coordinates, as in the peer.
  bool optimized() {
    try {
      return optimize_mmff(molecule_, deadline_);
    } catch (const std::bad_alloc&) {
      throw;
    } catch (const std::exception&) {
      return false;
    }
  }

  int32_t flat() {
    if (deadline_.passed()) throw DeadlinePassed{};
    draw_2d(molecule_);
    return MOLRT_SOURCE_2D;
  }

  RDKit::RWMol& molecule_;
  const ConformerOptions& options_;
  const Deadline& deadline_;
  std::string last_failure_;
};

// The structure that the text gives.
void take_given(const Molecule& molecule, ConformerResult& result) {
  result.conformer.coordinates = coordinates_of(*molecule.graph);
  if (!all_finite(result.conformer.coordinates))
    throw RowError(MOLRT_ROW_BAD_COORDINATES, "added hydrogens find no place between the atoms");
  result.source = MOLRT_SOURCE_GIVEN;
  const auto& index = molecule.input_index;
  if (std::find(index.begin(), index.end(), -1) != index.end())
    result.flags |= MOLRT_FLAG_HYDROGENS_ADDED;
}

void compute(const MoleculeText& text, const ConformerOptions& options, ConformerResult& result) {
  const Deadline deadline(options.time_limit, options.stop);
  const RdkitSession session;
  Molecule molecule = parse_molecule(text, {options.max_atoms, options.heavy_atoms_only});
  if (molecule.given())
    take_given(molecule, result);
  else
    Ladder(*molecule.graph, options, deadline).climb(result);
  for (const RDKit::Atom* atom : molecule.graph->atoms())
    result.conformer.atomic_numbers.push_back(static_cast<uint8_t>(atom->getAtomicNum()));
  result.conformer.input_index = std::move(molecule.input_index);
  result.status = MOLRT_ROW_OK;
}

ConformerResult failure(int32_t status, std::string message) {
  ConformerResult result;
  result.status = status;
  result.message = std::move(message);
  return result;
}

}  // namespace

ConformerResult make_conformer(const MoleculeText& text, const ConformerOptions& options) {
  const auto failed = [&](int32_t status, std::string_view reason) {
    return failure(status, fmt::format("{}: {}", described(text), printable(reason)));
  };
  try {
    ConformerResult result;
    compute(text, options, result);
    return result;
  } catch (const RowError& e) {
    return failed(e.status(), e.what());
  } catch (const DeadlinePassed&) {
    if (options.stop && options.stop()) return failed(MOLRT_ROW_PENDING, "stopped");
    return failed(MOLRT_ROW_TIMEOUT,
                  fmt::format("no conformer within the time limit of {} s", options.time_limit));
  } catch (const std::bad_alloc&) {
    return failed(MOLRT_ROW_OUT_OF_MEMORY, "out of memory");
  } catch (const std::exception& e) {
    return failed(MOLRT_ROW_INTERNAL, fmt::format("RDKit failed: {}", e.what()));
  } catch (...) {
    return failed(MOLRT_ROW_INTERNAL, "RDKit failed with an unknown exception");
  }
}

ConformerResult given_conformer(const std::vector<std::string>& symbols,
                                const std::vector<double>& coordinates) {
  if (coordinates.size() != 3 * symbols.size())
    fail(MOLRT_ERROR_INVALID_ARGUMENT,
         "given atoms: expected {} coordinates for {} atoms, found {}", 3 * symbols.size(),
         symbols.size(), coordinates.size());
  if (symbols.empty()) return failure(MOLRT_ROW_EMPTY, "given atoms: none");
  ConformerResult result;
  for (size_t i = 0; i < symbols.size(); ++i) {
    result.conformer.atomic_numbers.push_back(atomic_number(symbols[i]));
    result.conformer.input_index.push_back(static_cast<int32_t>(i));
  }
  result.conformer.coordinates.assign(coordinates.begin(), coordinates.end());
  const std::vector<float>& rounded = result.conformer.coordinates;
  for (size_t i = 0; i < rounded.size(); ++i)
    if (!std::isfinite(rounded[i]))
      return failure(
          MOLRT_ROW_BAD_COORDINATES,
          fmt::format("given atoms: coordinate {} of atom {} ({}) is {}, expected a finite "
                      "float32 in Angstrom",
                      "xyz"[i % 3], i / 3, printable(symbols[i / 3]), coordinates[i]));
  result.status = MOLRT_ROW_OK;
  result.source = MOLRT_SOURCE_GIVEN;
  return result;
}

std::string rdkit_version() { return RDKit::rdkitVersion; }

}  // namespace molrt
