#pragma once
// Molecules with their geometries from a NumPy archive (.npz), one after the other:
//   natoms [molecules]               atoms of each
//   Z [atoms]                        atomic numbers, all molecules' one behind the other
//   xyz [atoms, 3], Angstrom         or xyz_milli, 0.001 Angstrom
//   smiles [molecules]               texts; may be missing
//   any target's name [molecules]    its values; NaN: not known
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "io/npz.h"
#include "pretrain/corpus.h"

namespace molrt {

class GeometryArchive {
 public:
  // FORMAT errors name the archive, the array and what was expected.
  GeometryArchive(const std::string& path, const std::vector<std::string>& targets);

  size_t size() const { return molecules_; }
  bool has_smiles() const { return smiles_.has_value(); }
  bool has_target(size_t target) const { return values_.contains(target); }
  // The next one; false at the end. FORMAT errors as above, and for atoms that are left over.
  bool next(CorpusMolecule& molecule);

 private:
  NpzArray array(const std::string& name, bool is_text, size_t columns) const;
  size_t next_natoms();
  void read_elements(size_t atoms, std::vector<uint8_t>& elements);
  void check_end();

  std::string path_;
  std::vector<std::string> targets_;
  size_t molecules_ = 0, done_ = 0;
  int64_t atoms_left_ = 0;
  float unit_ = 1;  // Angstrom
  std::optional<NpzArray> natoms_, z_, xyz_, smiles_;
  std::map<size_t, NpzArray> values_;  // by target
  std::vector<float> numbers_;
};

}  // namespace molrt
