#include "chem/descriptors.h"

#include <GraphMol/Descriptors/Property.h>
#include <GraphMol/Fingerprints/MorganGenerator.h>

#include <cmath>
#include <limits>
#include <memory>
#include <mutex>
#include <new>

#include "chem/canonical.h"
#include "chem/rdkit_session.h"
#include "chem/smiles.h"

namespace molrt {
namespace {

constexpr double undefined = std::numeric_limits<double>::quiet_NaN();

double descriptor(const RDKit::ROMol& molecule, const std::string& name) {
  const auto property = RDKit::Descriptors::Properties::getProperty(name);
  try {
    const double value = (*property)(molecule);
    return std::isfinite(value) ? value : undefined;
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception&) {  // not defined for this molecule
    return undefined;
  }
}

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

std::vector<double> values_of(const RDKit::ROMol& molecule, const DescriptorList& list) {
  std::vector<double> values;
  for (const std::string& name : list.names) values.push_back(descriptor(molecule, name));
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
                 [] { values_of(*read_smiles("CC(=O)Nc1ccccc1", true), {known_descriptors()}); });
}

}  // namespace

const std::vector<std::string>& known_descriptors() {
  static const std::vector<std::string> names = {
      "exactmw",
      "amw",
      "lipinskiHBA",
      "lipinskiHBD",
      "NumRotatableBonds",
      "NumHBD",
      "NumHBA",
      "NumHeavyAtoms",
      "NumAtoms",
      "NumHeteroatoms",
      "NumAmideBonds",
      "FractionCSP3",
      "NumRings",
      "NumAromaticRings",
      "NumAliphaticRings",
      "NumSaturatedRings",
      "NumHeterocycles",
      "NumAromaticHeterocycles",
      "NumSaturatedHeterocycles",
      "NumAliphaticHeterocycles",
      "NumSpiroAtoms",
      "NumBridgeheadAtoms",
      "NumAtomStereoCenters",
      "NumUnspecifiedAtomStereoCenters",
      "labuteASA",
      "tpsa",
      "CrippenClogP",
      "CrippenMR",
      "chi0v",
      "chi1v",
      "chi2v",
      "chi3v",
      "chi4v",
      "chi0n",
      "chi1n",
      "chi2n",
      "chi3n",
      "chi4n",
      "hallKierAlpha",
      "kappa1",
      "kappa2",
      "kappa3",
      "Phi",
  };
  return names;
}

std::vector<double> describe_molecule(const MoleculeText& text, const DescriptorList& list) {
  const RdkitSession session;
  load_tables();
  return values_of(*read_smiles(canonical_smiles(text), true), list);
}

}  // namespace molrt
