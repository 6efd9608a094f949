#include "chem/descriptors.h"

#include <GraphMol/Fingerprints/MorganGenerator.h>

#include <cmath>
#include <limits>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <unordered_map>

#include "chem/canonical.h"
#include "chem/descriptor_groups.h"
#include "chem/rdkit_session.h"
#include "chem/smiles.h"

namespace molrt {
namespace {

constexpr double undefined = std::numeric_limits<double>::quiet_NaN();

// Nothing where the molecule has no such numbers.
std::vector<double> values_of(const DescriptorGroup& group, const RDKit::ROMol& molecule) {
  try {
    return group.values(molecule);
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception&) {
    return {};
  }
}

// Where a descriptor stands.
struct Place {
  size_t group, index;
};

std::unordered_map<std::string, Place> find_places() {
  std::unordered_map<std::string, Place> places;
  const auto& groups = descriptor_groups();
  for (size_t group = 0; group < groups.size(); ++group)
    for (size_t i = 0; i < groups[group].names.size(); ++i)
      places[groups[group].names[i]] = {group, i};
  return places;
}

// Of one molecule; a group is computed once, when the first of it is asked for.
class Descriptors {
 public:
  explicit Descriptors(const RDKit::ROMol& molecule) : molecule_(molecule) {}

  double operator()(const std::string& name) {
    static const auto places = find_places();
    const auto [group, index] = places.at(name);
    auto& values = groups_[group];
    if (!values) values = values_of(descriptor_groups()[group], molecule_);
    const double value = index < values->size() ? (*values)[index] : undefined;
    return std::isfinite(value) ? value : undefined;
  }

 private:
  const RDKit::ROMol& molecule_;
  std::vector<std::optional<std::vector<double>>> groups_{descriptor_groups().size()};
};

// The generator's own folding, modulo the size, written out: how the size is set differs between
// versions of RDKit.
void count_environments(const RDKit::ROMol& molecule, int radius, int bits, double* counts) {
  namespace morgan = RDKit::MorganFingerprint;
  const std::unique_ptr<RDKit::FingerprintGenerator<uint32_t>> generator(
      morgan::getMorganGenerator<uint32_t>(static_cast<unsigned>(radius)));
  const std::unique_ptr<RDKit::SparseIntVect<uint32_t>> hashes(
      generator->getSparseCountFingerprint(molecule));
  for (const auto& [hash, count] : hashes->getNonzeroElements())
    counts[hash % static_cast<uint32_t>(bits)] += count;
}

std::vector<double> describe(const RDKit::ROMol& molecule, const DescriptorList& list) {
  std::vector<double> values;
  Descriptors descriptors(molecule);
  for (const std::string& name : list.names) values.push_back(descriptors(name));
  values.resize(list.size(), 0);
  if (list.morgan_bits > 0)
    count_environments(molecule, list.morgan_radius, list.morgan_bits,
                       values.data() + list.names.size());
  return values;
}

// RDKit fills its tables at first use, which is not thread-safe in every version.
void load_tables() {
  static std::once_flag loaded;
  std::call_once(loaded,
                 [] { describe(*read_smiles("CC(=O)Nc1ccccc1", true), {known_descriptors()}); });
}

}  // namespace

const std::vector<std::string>& known_descriptors() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (const DescriptorGroup& group : descriptor_groups())
      all.insert(all.end(), group.names.begin(), group.names.end());
    return all;
  }();
  return names;
}

std::vector<double> describe_molecule(const MoleculeText& text, const DescriptorList& list) {
  const RdkitSession session;
  load_tables();
  return describe(*read_smiles(canonical_smiles(text), true), list);
}

}  // namespace molrt
