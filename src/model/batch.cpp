#include "model/batch.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>

#include "base/error.h"
#include "base/parallel.h"
#include "model/run.h"

namespace molrt {
namespace {

bool all_finite(const float* values, size_t count) {
  return std::all_of(values, values + count, [](float v) { return std::isfinite(v); });
}

// Molecules whose size stopped them may fit another limit.
bool needs_conformer(const ConformerResult& result, bool same_limit) {
  if (result.status == MOLRT_ROW_TOO_LARGE) return !same_limit;
  return result.status == MOLRT_ROW_PENDING;
}

// What a run tells its caller, and whether the caller has stopped it. Any worker may count and ask;
// only the calling thread tells.
class Watch {
 public:
  Watch(const RunOptions& options, int stage, size_t total)
      : options_(options), stage_(stage), total_(total) {}

  void count_one() { ++done_; }
  bool stopped() const { return stopped_; }

  // On the calling thread; true: stop.
  bool tell() {
    if (options_.progress && options_.progress(stage_, done_, total_)) stopped_ = true;
    last_ = Clock::now();
    return stopped_;
  }
  // The same, but not more often than a person notices.
  bool tell_now_and_then() {
    constexpr auto interval = std::chrono::milliseconds(20);
    return Clock::now() - last_ < interval ? stopped_.load() : tell();
  }
  void tell_or_cancel() {
    if (tell())
      fail(MOLRT_ERROR_CANCELLED, "stopped after {} of {} molecules", done_.load(), total_);
  }

 private:
  using Clock = std::chrono::steady_clock;
  const RunOptions& options_;
  int stage_;
  size_t total_;
  std::atomic<size_t> done_{0};
  std::atomic<bool> stopped_{false};
  Clock::time_point last_ = Clock::now();
};

}  // namespace

// The molecule's first row. Where memory runs out, no row has been added.
void Batch::append(Molecule molecule) {
  molecules_.push_back(std::move(molecule));
  append_row(molecules_.size() - 1);
}

void Batch::append_row(size_t molecule) {
  molecule_of_row_.push_back(molecule);
  try {
    molecules_[molecule].rows.push_back(size() - 1);
  } catch (...) {
    molecule_of_row_.pop_back();
    throw;
  }
}

void Batch::add_text(MoleculeText text) {
  const auto known = molecule_of_text_.find(text);
  if (known != molecule_of_text_.end()) return append_row(known->second);
  Molecule molecule;
  molecule.text = text;
  append(std::move(molecule));
  molecule_of_text_.emplace(std::move(text), molecules_.size() - 1);
}

void Batch::add_atoms(std::vector<std::string> symbols, std::vector<double> coordinates) {
  Molecule molecule;
  molecule.result = given_conformer(symbols, coordinates);
  append(std::move(molecule));
}

void Batch::clear() {
  molecules_.clear();
  molecule_of_row_.clear();
  molecule_of_text_.clear();
}

void Batch::compute_conformers(const RunOptions& options) {
  compute_missing({options_.max_atoms, false}, options);
}

void Batch::compute_missing(SizeLimit limit, const RunOptions& run) {
  std::vector<Molecule*> missing;
  for (Molecule& m : molecules_)
    if (needs_conformer(m.result, m.limit == limit)) missing.push_back(&m);
  ConformerOptions options = options_;
  options.max_atoms = limit.atoms;
  options.heavy_atoms_only = limit.heavy_atoms_only;
  Watch watch(run, MOLRT_STAGE_CONFORMERS, missing.size());
  parallel_for(
      run.threads, missing.size(),
      [&](size_t i, int worker) {
        ConformerOptions own = options;
        own.stop = [&, worker] {
          return worker == 0 ? watch.tell_now_and_then() : watch.stopped();
        };
        missing[i]->result = make_conformer(missing[i]->text, own);
        missing[i]->limit = limit;
        missing[i]->prepared = false;
        watch.count_one();
        if (worker == 0) watch.tell_or_cancel();
      },
      [&] { watch.tell_or_cancel(); });
  if (!missing.empty()) watch.tell_or_cancel();
}

// The batch's own limit; else what the model cannot read is not embedded either.
SizeLimit Batch::size_limit(const FeatureOptions& features) const {
  if (options_.max_atoms > 0 || features.crop) return {options_.max_atoms, false};
  return {features.max_atoms, features.remove_hydrogens};
}

void Batch::prepare(const Model& model, const RunOptions& options) {
  FeatureOptions feature_options = model.feature_options();
  if (options.max_atoms > 0) feature_options.max_atoms = options.max_atoms;
  feature_options.crop = options.crop;
  compute_missing(size_limit(feature_options), options);
  for (Molecule& m : molecules_) {
    feature_options.given = m.result.source == MOLRT_SOURCE_GIVEN;
    m.features = Features{};
    m.features.status = m.result.status;
    if (m.result.status == MOLRT_ROW_OK)
      m.features = make_features(m.result.conformer, model.dictionary(), feature_options);
    m.prepared = true;
  }
}

void Batch::run(const Model& model, const RunOptions& options,
                const std::function<void(Molecule&, const float*)>& consume) {
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
  encoder.failed = [&](size_t i) {
    Features& lost = molecules[i]->features;
    lost.status = MOLRT_ROW_OUT_OF_MEMORY;
    lost.message = fmt::format("out of memory in the network, with {} tokens", lost.length());
  };
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
  prepare(model, options);
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

std::vector<size_t> Batch::first_atoms() const {
  std::vector<size_t> first(size() + 1, 0);
  for (size_t r = 0; r < size(); ++r) first[r + 1] = first[r] + row(r).model_atoms;
  return first;
}

void Batch::embed(const Model& model, const RunOptions& options, float* cls, float* atoms,
                  size_t atoms_count) {
  const size_t width = model.card().architecture.width;
  prepare(model, options);
  const std::vector<size_t> first_atom = first_atoms();
  if (atoms && atoms_count != first_atom.back() * width)
    fail(MOLRT_ERROR_INVALID_ARGUMENT, "atoms_count = {}: expected {} model_atoms * {} = {}",
         atoms_count, first_atom.back(), width, first_atom.back() * width);
  if (cls) std::fill(cls, cls + size() * width, NAN);
  if (atoms) std::fill(atoms, atoms + atoms_count, NAN);
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
  // Features know whether the model reads the hydrogens that were added.
  state.flags = (state.flags & ~MOLRT_FLAG_HYDROGENS_ADDED) | m.features.flags;
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

const MoleculeText& Batch::text(size_t row) const { return molecule(row).text; }

}  // namespace molrt
