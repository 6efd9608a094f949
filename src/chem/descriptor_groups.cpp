#include "chem/descriptor_groups.h"

#include <GraphMol/Descriptors/MolSurf.h>
#include <GraphMol/Descriptors/Property.h>
#include <GraphMol/MolOps.h>
#include <GraphMol/PeriodicTable.h>
#include <GraphMol/ROMol.h>

#include <algorithm>
#include <cmath>

namespace molrt {
namespace {

using RDKit::ROMol;
using Numbers = std::vector<double>;

const char* const registered_names[] = {"exactmw",
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
                                        "Phi"};

DescriptorGroup registered(const std::string& name) {
  const auto property = RDKit::Descriptors::Properties::getProperty(name);
  return {{name}, [property](const ROMol& m) { return Numbers{(*property)(m)}; }};
}

// The bounds of RDKit's EState_VSA.py, which chose them for about as many atoms in each bin.
const Numbers estate_bounds = {-.390, .290, .717, 1.165, 1.540, 1.807, 2.05, 4.69, 9.17, 15.0};
const Numbers surface_bounds = {4.78, 5.00, 5.410, 5.740, 6.00, 6.07, 6.45, 7.00, 11.0};

int principal_quantum_number(int atomic_number) {
  const int last_of_period[] = {2, 10, 18, 36, 54, 86};
  return 1 + static_cast<int>(std::lower_bound(std::begin(last_of_period), std::end(last_of_period),
                                               atomic_number) -
                              std::begin(last_of_period));
}

double intrinsic_state(const RDKit::Atom& atom) {
  if (atom.getDegree() == 0) return 0;
  const int n = principal_quantum_number(atom.getAtomicNum());
  const int outer = RDKit::PeriodicTable::getTable()->getNouterElecs(atom.getAtomicNum());
  const int valence = outer - static_cast<int>(atom.getTotalNumHs());
  return (4.0 / (n * n) * valence + 1) / atom.getDegree();
}

// [bounds + 1]: the sum of `amounts` over the atoms whose key lies between the bounds.
Numbers sum_by(const Numbers& keys, const Numbers& amounts, const Numbers& bounds) {
  Numbers sums(bounds.size() + 1);
  for (size_t i = 0; i < keys.size(); ++i)
    sums[std::upper_bound(bounds.begin(), bounds.end(), keys[i]) - bounds.begin()] += amounts[i];
  return sums;
}

// Labute's approximate surface area of each atom, in square Angstrom.
Numbers surfaces(const ROMol& molecule) {
  Numbers of_atoms(molecule.getNumAtoms());
  double of_hydrogens = 0;
  RDKit::Descriptors::getLabuteAtomContribs(molecule, of_atoms, of_hydrogens);
  return of_atoms;
}

Numbers extremes(const Numbers& x) {
  const auto smaller = [](double a, double b) { return std::abs(a) < std::abs(b); };
  if (x.empty()) return Numbers(4, NAN);
  return {*std::max_element(x.begin(), x.end()), *std::min_element(x.begin(), x.end()),
          std::abs(*std::max_element(x.begin(), x.end(), smaller)),
          std::abs(*std::min_element(x.begin(), x.end(), smaller))};
}

Numbers estate(const ROMol& molecule) {
  const Numbers states = estate_indices(molecule), areas = surfaces(molecule);
  Numbers all = extremes(states);
  for (const Numbers& part :
       {sum_by(states, areas, estate_bounds), sum_by(areas, states, surface_bounds)})
    all.insert(all.end(), part.begin(), part.end());
  return all;
}

std::vector<std::string> numbered(const std::string& name, size_t count) {
  std::vector<std::string> names;
  for (size_t i = 1; i <= count; ++i) names.push_back(name + std::to_string(i));
  return names;
}

std::vector<std::string> estate_names() {
  std::vector<std::string> names = {"MaxEStateIndex", "MinEStateIndex", "MaxAbsEStateIndex",
                                    "MinAbsEStateIndex"};
  for (const auto& more : {numbered("EState_VSA", estate_bounds.size() + 1),
                           numbered("VSA_EState", surface_bounds.size() + 1)})
    names.insert(names.end(), more.begin(), more.end());
  return names;
}

}  // namespace

std::vector<double> estate_indices(const ROMol& molecule) {
  constexpr double no_path = 1e6;  // RDKit's distance between fragments is 1e8
  const size_t atoms = molecule.getNumAtoms();
  const double* distances = RDKit::MolOps::getDistanceMat(molecule);
  Numbers own, states;
  for (const RDKit::Atom* atom : molecule.atoms()) own.push_back(intrinsic_state(*atom));
  states = own;
  for (size_t i = 0; i < atoms; ++i)
    for (size_t j = 0; j < atoms; ++j)
      if (const double r = distances[i * atoms + j] + 1; i != j && r < no_path)
        states[i] += (own[i] - own[j]) / (r * r);
  return states;
}

const std::vector<DescriptorGroup>& descriptor_groups() {
  namespace rdkit = RDKit::Descriptors;
  static const std::vector<DescriptorGroup> groups = [] {
    std::vector<DescriptorGroup> all;
    for (const char* name : registered_names) all.push_back(registered(name));
    all.push_back(
        {numbered("SlogP_VSA", 12), [](const ROMol& m) { return rdkit::calcSlogP_VSA(m); }});
    all.push_back({numbered("SMR_VSA", 10), [](const ROMol& m) { return rdkit::calcSMR_VSA(m); }});
    all.push_back(
        {numbered("PEOE_VSA", 14), [](const ROMol& m) { return rdkit::calcPEOE_VSA(m); }});
    all.push_back({estate_names(), estate});
    all.push_back({fragment_names(), count_fragments});
    return all;
  }();
  return groups;
}

}  // namespace molrt
