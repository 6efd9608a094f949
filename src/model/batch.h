#pragma once
// Molecules on their way through the pipeline, each with a status:
// SMILES, MOL blocks or atoms -> conformers -> features -> network. The same text is computed once.
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "chem/conformer.h"
#include "model/model.h"
#include "model/watch.h"

namespace molrt {

struct RunOptions {
  int threads = 1;
  int max_atoms = 0;  // 0: the model's limit
  bool crop = false;
  int batch_size = 0;  // most molecules of a pass; 0: as many as fit
  Precision precision = Precision::f32;
  RunProgress progress;
  std::shared_ptr<class ConformerCache> cache;  // null: none
};

// Which conformers a molecule gets.
struct Sampling {
  int count = 1;           // conformer k has the seed + k; predictions are means over all
  bool last_flat = false;  // the last one is the 2D drawing
  bool canonical = false;  // texts are made canonical first
};

// Numbers that come with the molecules.
struct ColumnTable {
  std::vector<std::string> names;  // all different
  std::vector<float> values;       // [rows, names]; NaN: none
  size_t rows = 0;
};

struct UncertainOptions {
  PredictMode mode = PredictMode::deterministic;
  int samples = default_samples;  // of PredictMode::mc
  double level = .9;              // of the interval, between 0 and 1
};

// [rows, outputs] each; null: not wanted. NaN where a row failed or there is no such number
// (molrt.h, molrt_uncertain_result).
struct UncertainArrays {
  float *value, *std, *error, *low, *high, *spread, *gap, *deterministic, *entropy, *information;
};

struct RowState {
  int32_t status;           // MOLRT_ROW_*
  int32_t source;           // MOLRT_SOURCE_*
  uint32_t flags;           // MOLRT_FLAG_*
  int conformer_atoms = 0;  // 0 without a conformer
  int model_atoms = 0;      // atoms that the last model reads; 0 before and where it cannot
  int conformers = 0;       // that there are; after a run those that it is the mean of
};

// The largest molecule that is embedded.
struct SizeLimit {
  int atoms = 0;                  // 0: none
  bool heavy_atoms_only = false;  // atoms other than hydrogen count
  bool operator==(const SizeLimit&) const = default;
};

class Batch {
 public:
  explicit Batch(ConformerOptions options, Sampling sampling = {})
      : options_(std::move(options)), sampling_(sampling) {}

  void add_text(MoleculeText text);
  void add_atoms(std::vector<std::string> symbols, std::vector<double> coordinates);
  void clear();
  // In place of those that there are, of as many rows.
  void set_columns(ColumnTable columns) { columns_ = std::move(columns); }
  const ColumnTable& columns() const { return columns_; }
  size_t size() const { return text_of_row_.size(); }
  const Sampling& sampling() const { return sampling_; }
  const ConformerOptions& conformer_options() const { return options_; }

  // Fills in what is missing. The model-free form applies no limit but the batch's own.
  void compute_conformers(const RunOptions& options);
  void prepare(const Model& model, const RunOptions& options);
  // mean, std [rows, outputs]; std may be null. Rows that fail are NaN.
  void predict(const Model& model, const RunOptions& options, float* mean, float* std);
  // The same with what is known of the errors. INVALID_ARGUMENT for MC passes of a model without
  // dropout.
  void predict_uncertain(const Model& model, const RunOptions& options, const UncertainOptions& how,
                         const UncertainArrays& out);
  // cls [rows, width]; atoms [sum of model_atoms, width], of `atoms_count` floats in all
  // (INVALID_ARGUMENT if that is another number); either may be null.
  void embed(const Model& model, const RunOptions& options, float* cls, float* atoms,
             size_t atoms_count);

  // What stands beside CLS, after prepare(): RDKit's values are computed, NO_DESCRIPTORS where they
  // cannot be. INVALID_ARGUMENT naming the columns that the batch lacks; STATE if it has grown
  // since set_columns().
  void compute_inputs(const HeadInputs& inputs, const RunOptions& options);
  // Of a row that is OK, unscaled, in the order of HeadInputs; NaN: missing (a flag tells).
  std::vector<float> inputs(size_t row) const;

  // After prepare(): CLS [width] of each of features(row), one row's behind the other's.
  std::vector<float> represent(const Model& model, const RunOptions& options);

  RowState row(size_t row) const;
  const std::string& message(size_t row) const;
  size_t conformers(size_t row) const;  // that were made; a run may have left some out
  const Conformer& conformer(size_t row, size_t conformer) const;  // one of those
  std::vector<int32_t> input_index(size_t row) const;              // of the conformers' atoms
  std::vector<int32_t> model_atoms(size_t row) const;  // of the atoms that the last model read
  // What the last model reads of the row's conformers: of those that it can. Until the next run.
  std::vector<const Features*> features(size_t row) const;
  std::vector<size_t> conformer_counts() const;  // [rows]: of features()
  // What the row's molecule is made of: as it was given, or canonical. Empty for given atoms.
  const MoleculeText& text(size_t row) const;
  bool is_atoms(size_t row) const { return texts_[text_of_row_[row]].is_atoms; }

 private:
  struct Molecule {
    MoleculeText text;                      // empty: atoms were given
    SizeLimit limit;                        // the one that `attempts` were made under
    std::vector<ConformerResult> attempts;  // one for each conformer asked for; one alone where
                                            // all would be the same
    std::vector<Features> features;         // of the attempts, for the last model; empty before
    std::vector<float> descriptors;         // that the last head reads
    std::vector<size_t> rows;
  };

  // A text as it was given, which several rows may share.
  struct Text {
    MoleculeText given;                // empty once it has a molecule
    std::optional<size_t> molecule;    // none: not made canonical yet
    bool is_atoms = false;             // no text, but atoms with their coordinates
    std::vector<int32_t> input_index;  // CanonicalForm's
    std::vector<size_t> waiting = {};  // rows, until there is a molecule
  };

  // What became of a molecule's attempts at one stage.
  struct Outcome {
    int32_t status;
    const std::string* message;
    size_t good;  // how many succeeded
    size_t lead;  // the first that did
  };
  // A conformer of a molecule in the network.
  struct Item {
    Molecule* molecule;
    size_t attempt;  // of the molecule's
    size_t mean;     // which of the means
    size_t place;    // in the mean
  };
  struct Attempt {
    size_t molecule;
    int number;  // of the molecule's attempts
  };
  struct Work;
  class Making;

  const Molecule* molecule(size_t row) const;
  bool lacks_input(size_t row) const;
  // Rows of the same molecule whose columns differ have an answer each; else there is one for all.
  std::vector<std::vector<float>> inputs_of_answers(const Molecule& molecule) const;
  void append_row(size_t text);
  size_t append_molecule(Molecule molecule);
  void give_molecule(Text& text, size_t molecule);
  void make_canonical(const RunOptions& run);
  std::vector<Attempt> begin_attempts(SizeLimit limit);
  void compute_missing(SizeLimit limit, const RunOptions& run);
  SizeLimit size_limit(const FeatureOptions& features) const;
  static Outcome conformer_outcome(const Molecule& molecule);
  static Outcome outcome(const Molecule& molecule);
  int32_t source(const Molecule& molecule) const;
  void describe(Molecule& molecule, const DescriptorList& list) const;
  // Where each row's atoms begin among all rows' model_atoms; [rows + 1].
  std::vector<size_t> first_atoms() const;
  std::vector<Item> network_items();
  void run(const Model& model, const RunOptions& options, const Work& work);
  void finish_noisy(const Model& model, std::span<const Item> items, int samples,
                    class NoisyRun& run, const Work& work);
  void run_noisy(const Model& model, const RunOptions& options, int samples, const Work& work);

  ConformerOptions options_;
  Sampling sampling_;
  std::vector<Molecule> molecules_;
  std::vector<Text> texts_;
  std::vector<size_t> text_of_row_;
  ColumnTable columns_;
  std::vector<size_t> read_columns_;                          // of the table, by the last head
  std::unordered_map<MoleculeText, size_t> known_texts_;      // as given -> texts_
  std::unordered_map<MoleculeText, size_t> known_molecules_;  // canonical -> molecules_
};

}  // namespace molrt
