#pragma once
// How users write molecules.
#include <concepts>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace molrt {

enum class TextFormat {
  smiles,
  mol_block,  // V2000 or V3000; what follows its "M  END" does not count
};

struct MoleculeText {
  MoleculeText() = default;
  // Implicit: a bare text is a SMILES.
  template <std::convertible_to<std::string_view> Text>
  MoleculeText(const Text& text, TextFormat format = TextFormat::smiles)
      : text(std::string_view(text)), format(format) {}
  bool operator==(const MoleculeText&) const = default;

  std::string text;
  TextFormat format = TextFormat::smiles;
};

// 'SMILES "CCO"' or 'MOL block "its title"': shortened and printable, for messages.
std::string described(const MoleculeText& molecule);

}  // namespace molrt

template <>
struct std::hash<molrt::MoleculeText> {
  size_t operator()(const molrt::MoleculeText& molecule) const {
    return std::hash<std::string>()(molecule.text);
  }
};
