#include "model/batch.h"

#include <algorithm>

namespace molrt {
// Where memory runs out, no row has been added.
void Batch::append_row(size_t text) {
  text_of_row_.push_back(text);
  try {
    Text& t = texts_[text];
    (t.molecule ? molecules_[*t.molecule].rows : t.waiting).push_back(size() - 1);
  } catch (...) {
    text_of_row_.pop_back();
    throw;
  }
}

size_t Batch::append_molecule(Molecule molecule) {
  molecules_.push_back(std::move(molecule));
  return molecules_.size() - 1;
}

void Batch::add_text(MoleculeText text) {
  const auto known = known_texts_.find(text);
  if (known != known_texts_.end()) return append_row(known->second);
  Text added;
  if (sampling_.canonical) {
    added.given = text;
  } else {
    Molecule molecule;
    molecule.text = text;
    added.molecule = append_molecule(std::move(molecule));
  }
  texts_.push_back(std::move(added));
  const size_t index = texts_.size() - 1;
  known_texts_.emplace(std::move(text), index);
  append_row(index);  // last: where memory runs out before, there is no row
}

void Batch::add_atoms(std::vector<std::string> symbols, std::vector<double> coordinates) {
  Molecule molecule;
  molecule.attempts.push_back(given_conformer(symbols, coordinates));
  Text added;
  added.is_atoms = true;
  added.molecule = append_molecule(std::move(molecule));
  texts_.push_back(std::move(added));
  append_row(texts_.size() - 1);
}

void Batch::clear() {
  molecules_.clear();
  texts_.clear();
  text_of_row_.clear();
  known_texts_.clear();
  known_molecules_.clear();
  columns_ = {};
}

void Batch::give_molecule(Text& text, size_t molecule) {
  std::vector<size_t>& rows = molecules_[molecule].rows;
  rows.insert(rows.end(), text.waiting.begin(), text.waiting.end());
  text.waiting.clear();
  text.given = {};
  text.molecule = molecule;
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
  read_columns_.clear();
  for (Molecule& m : molecules_) {
    m.features.assign(m.attempts.size(), {});
    for (size_t k = 0; k < m.attempts.size(); ++k) {
      const ConformerResult& made = m.attempts[k];
      feature_options.given = made.source == MOLRT_SOURCE_GIVEN;
      m.features[k].status = made.status;
      if (made.status == MOLRT_ROW_OK)
        m.features[k] = make_features(made.conformer, model.dictionary(), feature_options);
    }
    m.descriptors.clear();
  }
}

const Batch::Molecule* Batch::molecule(size_t row) const {
  const auto& index = texts_[text_of_row_[row]].molecule;
  return index ? &molecules_[*index] : nullptr;
}

Batch::Outcome Batch::conformer_outcome(const Molecule& m) {
  static const std::string nothing;
  if (m.attempts.empty()) return {MOLRT_ROW_PENDING, &nothing, 0, 0};
  Outcome found{m.attempts[0].status, &m.attempts[0].message, 0, 0};
  for (size_t k = 0; k < m.attempts.size(); ++k) {
    const ConformerResult& attempt = m.attempts[k];
    if (attempt.status == MOLRT_ROW_PENDING) return {attempt.status, &attempt.message, 0, 0};
    if (attempt.status != MOLRT_ROW_OK) continue;
    if (found.good++ == 0) found = {attempt.status, &attempt.message, 1, k};
  }
  return found;
}

Batch::Outcome Batch::outcome(const Molecule& m) {
  const Outcome made = conformer_outcome(m);
  if (made.status != MOLRT_ROW_OK || m.features.empty()) return made;
  Outcome found{m.features[made.lead].status, &m.features[made.lead].message, 0, made.lead};
  for (size_t k = 0; k < m.features.size(); ++k)
    if (m.features[k].status == MOLRT_ROW_OK && found.good++ == 0)
      found = {MOLRT_ROW_OK, &m.features[k].message, 1, k};
  return found;
}

// The worst of its conformers'. A drawing that was asked for beside others is no sign of anything.
int32_t Batch::source(const Molecule& m) const {
  static_assert(MOLRT_SOURCE_ETKDG_MMFF < MOLRT_SOURCE_ETKDG &&
                MOLRT_SOURCE_ETKDG < MOLRT_SOURCE_2D);
  const bool ends_flat =
      sampling_.last_flat && m.attempts.size() > 1 && conformer_outcome(m).good > 1;
  int32_t worst = MOLRT_SOURCE_NONE;
  for (size_t k = 0; k + ends_flat < m.attempts.size(); ++k)
    worst = std::max(worst, m.attempts[k].source);
  return worst;
}

RowState Batch::row(size_t row) const {
  const Molecule* m = molecule(row);
  if (!m) return {MOLRT_ROW_PENDING, MOLRT_SOURCE_NONE, 0};
  const Outcome made = conformer_outcome(*m), last = outcome(*m);
  RowState state{last.status, MOLRT_SOURCE_NONE, 0};
  if (made.good == 0) return state;
  state.source = source(*m);
  state.conformer_atoms = static_cast<int>(m->attempts[made.lead].conformer.atoms());
  state.conformers = static_cast<int>(last.good);
  for (const ConformerResult& attempt : m->attempts) state.flags |= attempt.flags;
  // Features know whether the model reads the hydrogens that were added.
  if (!m->features.empty()) state.flags &= ~MOLRT_FLAG_HYDROGENS_ADDED;
  for (const Features& features : m->features) state.flags |= features.flags;
  if (last.status == MOLRT_ROW_OK && last.good < m->attempts.size())
    state.flags |= MOLRT_FLAG_FEWER_CONFORMERS;
  if (m->features.empty()) return state;
  if (lacks_input(row)) state.flags |= MOLRT_FLAG_INPUT_MISSING;
  state.model_atoms = static_cast<int>(m->features[last.lead].atoms.size());
  return state;
}

const std::string& Batch::message(size_t row) const {
  static const std::string nothing;
  const Molecule* m = molecule(row);
  return m ? *outcome(*m).message : nothing;
}

size_t Batch::conformers(size_t row) const {
  const Molecule* m = molecule(row);
  return m ? conformer_outcome(*m).good : 0;
}

const Conformer& Batch::conformer(size_t row, size_t conformer) const {
  const std::vector<ConformerResult>& attempts = molecule(row)->attempts;
  size_t k = 0;
  for (; attempts[k].status != MOLRT_ROW_OK || conformer > 0; ++k)
    conformer -= attempts[k].status == MOLRT_ROW_OK;
  return attempts[k].conformer;
}

std::vector<int32_t> Batch::input_index(size_t row) const {
  if (conformers(row) == 0) return {};
  const std::vector<int32_t>& of_text = texts_[text_of_row_[row]].input_index;
  return of_text.empty() ? conformer(row, 0).input_index : of_text;
}

std::vector<int32_t> Batch::model_atoms(size_t row) const {
  const Molecule* m = molecule(row);
  if (!m || m->features.empty()) return {};
  const std::vector<int32_t> input = input_index(row);
  std::vector<int32_t> index;
  for (int32_t atom : m->features[outcome(*m).lead].atoms) index.push_back(input[atom]);
  return index;
}

std::vector<const Features*> Batch::features(size_t row) const {
  std::vector<const Features*> usable;
  if (const Molecule* m = molecule(row))
    for (const Features& features : m->features)
      if (features.status == MOLRT_ROW_OK) usable.push_back(&features);
  return usable;
}

std::vector<size_t> Batch::conformer_counts() const {
  std::vector<size_t> counts;
  for (size_t r = 0; r < size(); ++r) counts.push_back(features(r).size());
  return counts;
}

const MoleculeText& Batch::text(size_t row) const {
  const Molecule* m = molecule(row);
  return m ? m->text : texts_[text_of_row_[row]].given;
}

}  // namespace molrt
