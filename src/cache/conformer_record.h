#pragma once
// A conformer as the cache has it: the key is everything that it depends on, the value everything
// that came of it.
#include <optional>
#include <string>
#include <string_view>

#include "chem/conformer.h"

namespace molrt {

// Text, settings, RDKit's version and switches, the C library's version and that of our own code;
// not what only says when to give up (time and size limits).
std::string conformer_key(const MoleculeText& text, const ConformerOptions& options);

// One that RDKit made. Failures depend on the moment, or are read from the text at once.
bool is_worth_keeping(const ConformerResult& result);

std::string conformer_value(const ConformerResult& result);

// Nothing if it is not what conformer_value() makes.
std::optional<ConformerResult> read_conformer(std::string_view value);

// Whether make_conformer() would have made it: a molecule of this size.
bool fits(const ConformerResult& result, const ConformerOptions& options);

}  // namespace molrt
