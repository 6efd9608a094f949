#pragma once
// The molecules of a pre-training run: on disk, however many they are. In memory there is an index.
#include <cstdint>
#include <string>
#include <unordered_set>
#include <vector>

#include "base/spool_file.h"
#include "model/model.h"

namespace molrt {

struct CorpusMolecule {
  MoleculeText text;                           // empty: not known
  std::vector<uint8_t> atomic_numbers;         // [atoms]
  std::vector<std::vector<float>> conformers;  // each [atoms, 3], Angstrom
  std::vector<float> labels;                   // [targets]; NaN: not known
};

// What the model reads of it; status and message tell why it cannot.
Features corpus_features(const CorpusMolecule& molecule, size_t conformer, const Model& model);

class Corpus {
 public:
  // `directory`: where the file without a name lies; "": that for temporary files.
  Corpus(size_t targets, const std::string& directory) : targets_(targets), file_(directory) {}

  // The molecule of this SMILES stays out, in all its stereoisomers: before any is added. STATE
  // error if it cannot be read.
  void exclude(const std::string& smiles);
  bool excludes() const { return !excluded_.empty(); }

  // Those that are neither excluded nor without use for the model (no atoms left, too many,
  // coordinates that are not finite). INVALID_ARGUMENT for a molecule without SMILES where some are
  // excluded.
  struct Added {
    size_t used = 0, excluded = 0, unusable = 0;
    std::string first_unusable;  // why
    Added& operator+=(const Added& more);
  };
  Added add(const std::vector<CorpusMolecule>& molecules, const Model& model, int threads);

  // What was added since goes again, such as the first part of an archive that is broken further
  // on.
  struct Mark {
    size_t size;
    uint32_t crc;
  };
  Mark mark() const { return {size(), crc_}; }
  void go_back(const Mark& mark);

  size_t size() const { return index_.size(); }
  CorpusMolecule read(size_t molecule) const;  // without its SMILES
  // The same of all that the same molecule is, such as its other conformers in other sources.
  uint64_t identity(size_t molecule) const { return index_[molecule].identity; }
  uint32_t crc() const { return crc_; }  // of everything in it

 private:
  struct Entry {
    uint64_t offset, identity;
  };
  void append(const CorpusMolecule& molecule, const std::string& constitution);

  size_t targets_;
  SpoolFile file_;
  std::vector<Entry> index_;
  std::unordered_set<std::string> excluded_;  // constitutions
  uint32_t crc_ = 0;
};

}  // namespace molrt
