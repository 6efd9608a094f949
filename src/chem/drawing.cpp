#include "chem/drawing.h"

#include <GraphMol/MolDraw2D/MolDraw2DSVG.h>
#include <GraphMol/MolDraw2D/MolDraw2DUtils.h>
#include <GraphMol/MolOps.h>

#include <new>

#include "chem/molecule.h"
#include "chem/rdkit_session.h"

namespace molrt {
namespace {

constexpr unsigned most_heavy_atoms = 150;  // more are no picture, but take long to lay out

// Those of RDKit that are too pale on white or too dark on black, in between.
void set_colours(RDKit::MolDrawOptions& options) {
  RDKit::ColourPalette& colour = options.atomColourPalette;
  colour[7] = {.25, .45, .95};
  colour[8] = {.90, .20, .15};
  colour[16] = {.66, .52, 0};
  for (const int halogen : {9, 17}) colour[halogen] = {.10, .60, .35};
  colour[35] = {.70, .35, .15};
}

void replace_all(std::string& text, const std::string& from, const std::string& to) {
  for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
}

// Of RDKit's document the element; its black is the page's colour.
std::string as_element(std::string document) {
  const size_t begin = document.find("<svg"), end = document.rfind("</svg>");
  if (begin == std::string::npos || end == std::string::npos) return "";
  std::string element = document.substr(begin, end + 6 - begin);
  replace_all(element, "#000000", "currentColor");
  return element;
}

std::string draw(RDKit::RWMol& molecule, int width, int height) {
  molecule.clearConformers();  // a structure seen from somewhere is no drawing
  RDKit::MolOps::removeHs(molecule);
  if (molecule.getNumAtoms() > most_heavy_atoms) return "";
  RDKit::MolDraw2DSVG drawer(width, height, -1, -1, true);  // true: texts stay texts
  drawer.drawOptions().clearBackground = false;
  drawer.drawOptions().includeMetadata = false;
  set_colours(drawer.drawOptions());
  RDKit::MolDraw2DUtils::prepareAndDrawMolecule(drawer, molecule);
  drawer.finishDrawing();
  return as_element(drawer.getDrawingText());
}

}  // namespace

std::string draw_svg(const MoleculeText& text, int width, int height) {
  try {
    const RdkitSession session;
    const Molecule molecule = parse_molecule(text, {});
    return draw(*molecule.graph, width, height);
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception&) {  // a picture is worth no failure
    return "";
  }
}

}  // namespace molrt
