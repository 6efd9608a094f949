#pragma once
// What the caller says of weights against what is known of them.
#include <string>

#include "io/open_options.h"
#include "model/card.h"

namespace molrt {

const char* hydrogens_text(Hydrogens hydrogens);  // "no hydrogens"

// The options win, with a warning where the card says something else. FORMAT error for a dictionary
// of another size.
void override_card(const OpenOptions& options, ModelCard& card, const std::string& file,
                   const Log& log);

}  // namespace molrt
