#include "pretrain/geometry_archive.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"

namespace molrt {
namespace {

constexpr int most_atoms_of_one = 10000;
constexpr float last_element = 118;

}  // namespace

GeometryArchive::GeometryArchive(const std::string& path, const std::vector<std::string>& targets)
    : path_(path), targets_(targets) {
  const std::vector<std::string> names = npz_names(path);
  const auto has = [&](const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  const bool milli = !has("xyz") && has("xyz_milli");
  unit_ = milli ? .001f : 1;
  natoms_.emplace(array("natoms", false, 1));
  molecules_ = static_cast<size_t>(natoms_->shape()[0]);
  z_.emplace(array("Z", false, 1));
  xyz_.emplace(array(milli ? "xyz_milli" : "xyz", false, 3));
  atoms_left_ = z_->shape()[0];
  if (xyz_->shape()[0] != atoms_left_)
    fail(MOLRT_ERROR_FORMAT, "{}: Z has {} atoms and the coordinates {}", path, atoms_left_,
         xyz_->shape()[0]);
  if (has("smiles")) smiles_.emplace(array("smiles", true, 1));
  for (size_t t = 0; t < targets.size(); ++t)
    if (has(targets[t])) values_.emplace(t, array(targets[t], false, 1));
}

NpzArray GeometryArchive::array(const std::string& name, bool is_text, size_t columns) const {
  NpzArray array(path_, name);
  const auto& shape = array.shape();
  const bool right =
      columns == 1 ? shape.size() == 1 : shape.size() == 2 && shape[1] == int64_t(columns);
  if (!right || array.is_text() != is_text)
    fail(MOLRT_ERROR_FORMAT, "{}: array '{}': expected {} of shape [n{}], found {}{}", path_, name,
         is_text ? "texts" : "numbers", columns == 1 ? "" : ", 3",
         array.is_text() ? "texts of shape " : "", shape_text(shape));
  const bool per_molecule = name != "natoms" && name != "Z" && !name.starts_with("xyz");
  if (per_molecule && shape[0] != static_cast<int64_t>(molecules_))
    fail(MOLRT_ERROR_FORMAT, "{}: array '{}' has {} values for {} molecules", path_, name, shape[0],
         molecules_);
  return array;
}

size_t GeometryArchive::next_natoms() {
  natoms_->read(1, numbers_);
  const float natoms = numbers_[0];
  if (!(natoms >= 1) || natoms > most_atoms_of_one || natoms != std::floor(natoms))
    fail(MOLRT_ERROR_FORMAT, "{}: array 'natoms': molecule {}: expected 1 to {}, found {}", path_,
         done_, most_atoms_of_one, natoms);
  if (static_cast<int64_t>(natoms) > atoms_left_)
    fail(MOLRT_ERROR_FORMAT, "{}: molecule {} has {} atoms, and {} are left in Z", path_, done_,
         natoms, atoms_left_);
  atoms_left_ -= static_cast<int64_t>(natoms);
  return static_cast<size_t>(natoms);
}

void GeometryArchive::check_end() {
  if (atoms_left_ > 0)
    fail(MOLRT_ERROR_FORMAT, "{}: array 'Z': {} atoms are left behind those of all {} molecules",
         path_, atoms_left_, molecules_);
  for (auto* array : {&*natoms_, &*z_, &*xyz_}) array->close();
  if (smiles_) smiles_->close();
  for (auto& [target, values] : values_) values.close();
}

void GeometryArchive::read_elements(size_t atoms, std::vector<uint8_t>& elements) {
  z_->read(atoms, numbers_);
  for (const float z : numbers_)
    if (!(z >= 0 && z <= last_element) || z != std::floor(z))
      fail(MOLRT_ERROR_FORMAT,
           "{}: array 'Z': molecule {}: expected atomic numbers of 0 to {}, found {}", path_, done_,
           last_element, z);
  elements.assign(numbers_.begin(), numbers_.end());
}

bool GeometryArchive::next(CorpusMolecule& molecule) {
  if (done_ == molecules_) {
    check_end();
    return false;
  }
  ++done_;
  const size_t atoms = next_natoms();
  read_elements(atoms, molecule.atomic_numbers);
  xyz_->read(3 * atoms, numbers_);
  for (float& x : numbers_) x *= unit_;
  molecule.conformers = {numbers_};
  molecule.text = smiles_ ? smiles_->read_text() : "";
  molecule.labels.assign(targets_.size(), std::numeric_limits<float>::quiet_NaN());
  for (auto& [target, values] : values_) {
    values.read(1, numbers_);
    molecule.labels[target] = numbers_[0];
  }
  return true;
}

}  // namespace molrt
