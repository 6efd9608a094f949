#include "model/batch.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <new>

#include "base/error.h"
#include "base/parallel.h"
#include "model/run.h"

namespace molrt {
namespace {

bool all_finite(const float* values, size_t count) {
  return std::all_of(values, values + count, [](float v) { return std::isfinite(v); });
}

ConformerResult conformer_or_out_of_memory(const std::string& smiles,
                                           const ConformerOptions& options) {
  try {
    return make_conformer(smiles, options);
  } catch (const std::bad_alloc&) {
    ConformerResult result;
    result.status = MOLRT_ROW_OUT_OF_MEMORY;
    result.message = "out of memory while embedding";
    return result;
  }
}

void report(const RunOptions& options, int stage, size_t done, size_t total) {
  if (options.progress && options.progress(stage, done, total))
    fail(MOLRT_ERROR_CANCELLED, "stopped after {} of {} molecules", done, total);
}

}  // namespace

void Batch::add_smiles(std::string smiles) {
  const auto [known, is_new] = molecule_of_smiles_.try_emplace(smiles, molecules_.size());
  if (is_new) {
    Molecule molecule;
    molecule.smiles = std::move(smiles);
    molecules_.push_back(std::move(molecule));
  }
  molecules_[known->second].rows.push_back(size());
  molecule_of_row_.push_back(known->second);
}

void Batch::add_atoms(std::vector<std::string> symbols, std::vector<double> coordinates) {
  Molecule molecule;
  molecule.given = true;
  molecule.result = given_conformer(symbols, coordinates);
  molecule.rows = {size()};
  molecule_of_row_.push_back(molecules_.size());
  molecules_.push_back(std::move(molecule));
}

void Batch::clear() {
  molecules_.clear();
  molecule_of_row_.clear();
  molecule_of_smiles_.clear();
}

bool Batch::needs_conformer(const Molecule& m, const ConformerOptions& options) const {
  if (m.given) return false;
  if (m.result.status == MOLRT_ROW_TOO_LARGE) return m.limit != options.max_atoms;
  return m.result.status == MOLRT_ROW_PENDING;
}

void Batch::compute_conformers(const RunOptions& options) { compute_missing(options_, options); }

void Batch::compute_missing(const ConformerOptions& options, const RunOptions& run) {
  std::vector<Molecule*> missing;
  for (Molecule& m : molecules_)
    if (needs_conformer(m, options)) missing.push_back(&m);
  std::atomic<size_t> done{0};
  parallel_for(run.threads, missing.size(), [&](size_t i, int worker) {
    missing[i]->result = conformer_or_out_of_memory(missing[i]->smiles, options);
    missing[i]->limit = options.max_atoms;
    missing[i]->prepared = false;
    const size_t now = ++done;
    if (worker == 0) report(run, MOLRT_STAGE_CONFORMERS, now, missing.size());
  });
  if (!missing.empty()) report(run, MOLRT_STAGE_CONFORMERS, missing.size(), missing.size());
}

void Batch::prepare(const Model& model, const RunOptions& options) {
  FeatureOptions feature_options = model.feature_options();
  if (options.max_atoms > 0) feature_options.max_atoms = options.max_atoms;
  feature_options.crop = options.crop;
  ConformerOptions conformer_options = options_;
  if (!options.crop && options_.max_atoms == 0) {  // too large to predict: do not embed either
    conformer_options.max_atoms = feature_options.max_atoms;
    conformer_options.heavy_atoms_only = feature_options.remove_hydrogens;
  }
  compute_missing(conformer_options, options);
  for (Molecule& m : molecules_) {
    feature_options.given = m.given;
    m.features = Features{};
    m.features.status = m.result.status;
    if (m.result.status == MOLRT_ROW_OK)
      m.features = make_features(m.result.conformer, model.dictionary(), feature_options);
    m.prepared = true;
  }
}

void Batch::run(const Model& model, const RunOptions& options,
                const std::function<void(Molecule&, const float*)>& consume) {
  prepare(model, options);
  std::vector<Molecule*> molecules;
  std::vector<const Features*> features;
  for (Molecule& m : molecules_) {
    if (m.features.status != MOLRT_ROW_OK) continue;
    molecules.push_back(&m);
    features.push_back(&m.features);
  }
  EncoderRun encoder;
  encoder.threads = options.threads;
  encoder.batch_size = options.batch_size;
  encoder.consume = [&](size_t i, const float* rows) { consume(*molecules[i], rows); };
  if (options.progress)
    encoder.progress = [&](size_t done) {
      return options.progress(MOLRT_STAGE_NETWORK, done, molecules.size());
    };
  run_encoder(model, features, encoder);
}

void Batch::predict(const Model& model, const RunOptions& options, float* mean, float* std) {
  const size_t outputs = model.card().outputs();
  std::fill(mean, mean + size() * outputs, NAN);
  if (std) std::fill(std, std + size() * outputs, NAN);
  run(model, options, [&](Molecule& m, const float* rows) {
    std::vector<float> values(outputs), deviations(outputs);
    model.predict(rows, values.data(), deviations.data());
    if (!all_finite(values.data(), outputs)) {
      m.features.status = MOLRT_ROW_NON_FINITE;
      m.features.message = "the prediction is not a finite number";
      return;
    }
    for (size_t row : m.rows) {
      std::copy(values.begin(), values.end(), mean + row * outputs);
      if (std) std::copy(deviations.begin(), deviations.end(), std + row * outputs);
    }
  });
}

void Batch::embed(const Model& model, const RunOptions& options, float* cls, float* atoms) {
  const size_t width = model.card().architecture.width;
  if (cls) std::fill(cls, cls + size() * width, NAN);
  prepare(model, options);
  std::vector<size_t> first_atom(size() + 1, 0);
  for (size_t r = 0; r < size(); ++r) first_atom[r + 1] = first_atom[r] + row(r).model_atoms;
  if (atoms) std::fill(atoms, atoms + first_atom.back() * width, NAN);
  run(model, options, [&](Molecule& m, const float* rows) {
    if (!all_finite(rows, m.features.length() * width)) {
      m.features.status = MOLRT_ROW_NON_FINITE;
      m.features.message = "the representation holds a number that is not finite";
      return;
    }
    const float* after_cls = rows + width;
    for (size_t r : m.rows) {
      if (cls) std::copy(rows, after_cls, cls + r * width);
      if (atoms)
        std::copy_n(after_cls, (m.features.length() - 2) * width, atoms + first_atom[r] * width);
    }
  });
}

RowState Batch::row(size_t row) const {
  const Molecule& m = molecule(row);
  RowState state{m.result.status, m.result.source, m.result.flags,
                 static_cast<int>(m.result.conformer.atoms()), 0};
  if (!m.prepared) return state;
  state.status = m.features.status;
  state.flags |= m.features.flags;
  state.model_atoms = static_cast<int>(m.features.input_index.size());
  return state;
}

const std::string& Batch::message(size_t row) const {
  const Molecule& m = molecule(row);
  return m.result.status == MOLRT_ROW_OK && m.prepared ? m.features.message : m.result.message;
}

const Conformer& Batch::conformer(size_t row) const { return molecule(row).result.conformer; }

const std::vector<int32_t>& Batch::model_atoms(size_t row) const {
  return molecule(row).features.input_index;
}

const std::string& Batch::smiles(size_t row) const { return molecule(row).smiles; }

}  // namespace molrt
