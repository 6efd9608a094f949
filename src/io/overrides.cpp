#include "io/overrides.h"

#include <fmt/format.h>

#include "io/dictionary_file.h"
#include "molrt.h"

namespace molrt {
namespace {

const char* layout_text(TokenLayout layout) {
  return layout == TokenLayout::file_order ? "special tokens in file order" : "specials first";
}

// What the caller says wins, but against what the file says only aloud.
void apply_training(const OpenOptions& options, ModelCard& card, const std::string& file,
                    const Log& log) {
  const auto contradict = [&](const char* option, const char* known, const char* given) {
    log(MOLRT_LOG_WARNING,
        fmt::format("{}: its weights were trained with {}, but the option {} says {}: the network "
                    "sees what it was not trained for",
                    file, known, option, given));
  };
  if (options.hydrogens && *options.hydrogens != card.hydrogens)
    contradict("hydrogens", hydrogens_text(card.hydrogens), hydrogens_text(*options.hydrogens));
  if (options.layout && *options.layout != card.layout)
    contradict("layout", layout_text(card.layout), layout_text(*options.layout));
  card.hydrogens = options.hydrogens.value_or(card.hydrogens);
  card.layout = options.layout.value_or(card.layout);
}

// Against the file's own dictionary or the usual one of its size, if there is one.
void apply_dictionary(const std::string& path, ModelCard& card, const std::string& file,
                      const Log& log) {
  std::string text = read_dictionary(path, card.architecture.vocabulary, file);
  const std::string differs =
      card.dictionary_text.empty() ? "" : difference(text, card.dictionary_text);
  if (!differs.empty())
    log(MOLRT_LOG_WARNING,
        fmt::format("{}: is not the dictionary that {} was trained with: {}: the network sees "
                    "other elements than it was trained on",
                    path, file, differs));
  card.dictionary_text = std::move(text);
}

}  // namespace

const char* hydrogens_text(Hydrogens hydrogens) {
  return hydrogens == Hydrogens::all ? "all hydrogens" : "no hydrogens";
}

void override_card(const OpenOptions& options, ModelCard& card, const std::string& file,
                   const Log& log) {
  apply_training(options, card, file, log);
  if (options.max_atoms) card.max_atoms = *options.max_atoms;
  if (!options.dictionary_path.empty()) apply_dictionary(options.dictionary_path, card, file, log);
}

}  // namespace molrt
