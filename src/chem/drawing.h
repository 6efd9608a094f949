#pragma once
// Molecules as pictures.
#include <string>

#include "chem/molecule_text.h"

namespace molrt {

// The molecule's flat drawing, hydrogens implicit, as an <svg> element of width x height pixels for
// an HTML page: no script, nothing fetched, a transparent ground, and what is black otherwise in
// the page's own "currentColor", so that it can be read on light and dark. Empty where there is
// nothing to see: RDKit cannot read or draw the text, or it has more atoms than fit a small
// picture. Thread-safe; throws for memory only.
std::string draw_svg(const MoleculeText& text, int width, int height);

}  // namespace molrt
