#pragma once
// Molecules on their way through the pipeline: SMILES, MOL blocks or atoms -> conformer -> features
// -> network, each with a status. The same text is computed once.
#include <functional>
#include <string>
#include <unordered_map>
#include <vector>

#include "chem/conformer.h"
#include "model/model.h"

namespace molrt {

struct RunOptions {
  int threads = 1;
  int max_atoms = 0;  // 0: the model's limit
  bool crop = false;
  int batch_size = 0;  // most molecules of a pass; 0: as many as fit
  // stage (MOLRT_STAGE_*), done, total; from the calling thread; true stops the run (CANCELLED).
  std::function<bool(int stage, size_t done, size_t total)> progress;
};

struct RowState {
  int32_t status;       // MOLRT_ROW_*
  int32_t source;       // MOLRT_SOURCE_*
  uint32_t flags;       // MOLRT_FLAG_*
  int conformer_atoms;  // 0 without a conformer
  int model_atoms;      // atoms that the last model reads; 0 before and for failed rows
};

// The largest molecule that is embedded.
struct SizeLimit {
  int atoms = 0;                  // 0: none
  bool heavy_atoms_only = false;  // atoms other than hydrogen count
  bool operator==(const SizeLimit&) const = default;
};

class Batch {
 public:
  explicit Batch(ConformerOptions options) : options_(options) {}

  void add_text(MoleculeText text);
  void add_atoms(std::vector<std::string> symbols, std::vector<double> coordinates);
  void clear();
  size_t size() const { return molecule_of_row_.size(); }

  // Fills in what is missing. The model-free form applies no limit but the batch's own.
  void compute_conformers(const RunOptions& options);
  void prepare(const Model& model, const RunOptions& options);
  // mean, std [rows, outputs]; std may be null. Rows that fail are NaN.
  void predict(const Model& model, const RunOptions& options, float* mean, float* std);
  // cls [rows, width]; atoms [sum of model_atoms, width], of `atoms_count` floats in all
  // (INVALID_ARGUMENT if that is another number); either may be null.
  void embed(const Model& model, const RunOptions& options, float* cls, float* atoms,
             size_t atoms_count);

  RowState row(size_t row) const;
  const std::string& message(size_t row) const;
  const Conformer& conformer(size_t row) const;               // empty where there is none
  const std::vector<int32_t>& model_atoms(size_t row) const;  // input index of each atom read
  const MoleculeText& text(size_t row) const;                 // empty for given atoms

 private:
  struct Molecule {
    MoleculeText text;  // empty: atoms were given
    ConformerResult result;
    SizeLimit limit;        // the one that `result` was computed under
    Features features;      // for the last model
    bool prepared = false;  // whether `features` holds
    std::vector<size_t> rows;
  };

  const Molecule& molecule(size_t row) const { return molecules_[molecule_of_row_[row]]; }
  void append(Molecule molecule);
  void append_row(size_t molecule);
  void compute_missing(SizeLimit limit, const RunOptions& run);
  SizeLimit size_limit(const FeatureOptions& features) const;
  // Where each row's atoms begin among all rows' model_atoms; [rows + 1].
  std::vector<size_t> first_atoms() const;
  // The network over the prepared molecules that can; consume(molecule, rows [length, width]).
  void run(const Model& model, const RunOptions& options,
           const std::function<void(Molecule&, const float* rows)>& consume);

  ConformerOptions options_;
  std::vector<Molecule> molecules_;
  std::vector<size_t> molecule_of_row_;
  std::unordered_map<MoleculeText, size_t> molecule_of_text_;
};

}  // namespace molrt
