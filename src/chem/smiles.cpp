#include "chem/smiles.h"

#include <GraphMol/SmilesParse/SmilesParse.h>
#include <fmt/format.h>

#include <new>
#include <string_view>

#include "chem/row_error.h"
#include "molrt.h"

namespace molrt {
namespace {

constexpr size_t longest_smiles = 100'000;  // characters, name included

[[noreturn]] void invalid(const std::string& reason) {
  throw RowError(MOLRT_ROW_INVALID_SMILES, reason);
}

// RDKit takes a control or non-ASCII character for the end and would silently return another
// molecule.
void check_characters(std::string_view text) {
  if (text.size() > longest_smiles)
    invalid(
        fmt::format("{} characters are more than the limit of {}", text.size(), longest_smiles));
  const std::string_view molecule = text.substr(0, text.find_first_of(" \t"));
  for (size_t i = 0; i < molecule.size(); ++i)
    if (const auto c = static_cast<unsigned char>(molecule[i]); c < 0x20 || c > 0x7e)
      invalid(fmt::format("byte {:#04x} at position {} is no character of SMILES", c, i + 1));
}

// RDKit tells the place of a syntax error only to its log, which is global to the process and off.
constexpr const char* syntax_error =
    "RDKit cannot read it: a syntax error, an unknown element, an unclosed bracket, branch or ring";

}  // namespace

std::unique_ptr<RDKit::RWMol> read_smiles(const std::string& text, bool finished) {
  if (text.empty()) throw RowError(MOLRT_ROW_EMPTY, "empty SMILES");
  check_characters(text);
  RDKit::SmilesParserParams parameters;
  parameters.sanitize = parameters.removeHs = finished;
  std::unique_ptr<RDKit::RWMol> molecule;
  try {
    molecule.reset(RDKit::SmilesToMol(text, parameters));
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception& e) {  // of sanitisation, of extensions or of RDKit's own checks
    invalid(e.what());
  }
  if (!molecule) invalid(syntax_error);
  return molecule;
}

}  // namespace molrt
