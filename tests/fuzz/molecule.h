#pragma once
// A text's whole way: conformer -> features -> SDF, and what must hold on it.
#include <cmath>

#include "chem/canonical.h"
#include "features/features.h"
#include "must.h"

namespace molrt::fuzz {

constexpr int most_atoms = 16;  // more would spend the time inside RDKit's embedding

inline ConformerOptions options_of(uint8_t choice) {
  ConformerOptions options;
  options.time_limit = 5;
  options.max_atoms = most_atoms;
  options.heavy_atoms_only = choice & 1;
  options.peer_ladder = choice & 2;
  options.seed = choice >> 4;
  return options;
}

inline void check_failure(const ConformerResult& result) {
  must(result.status < 0, "without a stop a molecule is done");
  must(!result.message.empty(), "a failure has a message");
  must(result.conformer.atoms() == 0, "a failure has no conformer");
}

inline void check_conformer(const ConformerResult& result, const ConformerOptions& options) {
  const Conformer& c = result.conformer;
  must(c.atoms() > 0, "a conformer has atoms");
  must(c.coordinates.size() == 3 * c.atoms(), "three coordinates an atom");
  must(c.input_index.size() == c.atoms(), "one index an atom");
  for (const float value : c.coordinates) must(std::isfinite(value), "coordinates are finite");
  must(result.source == MOLRT_SOURCE_GIVEN || options.heavy_atoms_only || c.atoms() <= most_atoms,
       "the limit of atoms holds");
}

inline void check_features(const Conformer& conformer, const FeatureOptions& options,
                           int vocabulary) {
  const Dictionary dictionary = Dictionary::parse(Dictionary::shipped_text(vocabulary), "shipped",
                                                  TokenLayout::specials_first);
  const Features features = make_features(conformer, dictionary, options);
  if (features.status != MOLRT_ROW_OK) return must(!features.message.empty(), "a reason is given");
  must(features.atoms.size() + 2 == features.tokens.size(), "[CLS], atoms, [SEP]");
  must(features.coordinates.size() == 3 * features.tokens.size(), "three coordinates a token");
  must(features.length() - 2 <= options.max_atoms, "the model's limit of atoms holds");
  for (const int32_t token : features.tokens)
    must(token >= 0 && token < dictionary.size(), "tokens are in the vocabulary");
}

inline void check_canonical(const CanonicalForm& form, const MoleculeText& text) {
  if (form.input_index.empty()) return must(form.text == text, "what cannot be read stays");
  must(form.text.format == TextFormat::smiles && !form.text.text.empty(), "a SMILES is made");
}

inline void try_molecule(const MoleculeText& text, uint8_t choice) {
  const ConformerOptions options = options_of(choice);
  check_canonical(canonical_form(text), text);
  const ConformerResult result = make_conformer(text, options);
  if (result.status != MOLRT_ROW_OK) return check_failure(result);
  check_conformer(result, options);
  const bool crop = choice & 4, bare = choice & 8;
  check_features(result.conformer, {.remove_hydrogens = bare, .max_atoms = 8, .crop = crop}, 31);
  check_features(result.conformer, {.remove_hydrogens = !bare, .crop = crop}, 94);
  must(!sdf_record(text, result.conformer, "title").empty(), "a conformer has an SDF record");
}

// An input's first byte chooses the options, the others are the text.
inline int try_input(const uint8_t* data, size_t size, TextFormat format) {
  if (size == 0) return 0;
  const std::string text(reinterpret_cast<const char*>(data + 1), size - 1);
  try_molecule({text, format}, data[0]);
  return 0;
}

}  // namespace molrt::fuzz
