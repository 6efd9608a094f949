#include "report/molecules.h"

#include <fmt/format.h>

#include "base/text.h"
#include "chem/drawing.h"
#include "molrt.h"
#include "report/html.h"

namespace molrt::report {
namespace {

constexpr int picture_width = 200, picture_height = 150;
constexpr size_t longest_name = 120;  // characters

std::string picture(const ReportRow& row) {
  const std::string svg =
      row.text.text.empty() ? "" : draw_svg(row.text, picture_width, picture_height);
  return svg.empty() ? element("div", "nothing", "no drawing") : svg;
}

std::string card(const ReportRow& row, const MoleculeCard& card) {
  std::string markup = picture(row);
  for (const std::string& line : card.lines) markup += element("p", "", escaped(line));
  markup += element("p", "note",
                    escaped(fmt::format("row {}, {}", card.row + 1, source_in_words(row.source))));
  markup += element("p", "", element("code", "", escaped(molecule_name(row), longest_name)));
  return element("div", "molecule", markup);
}

}  // namespace

std::string source_in_words(int32_t source) {
  switch (source) {
    case MOLRT_SOURCE_GIVEN:
      return "given coordinates";
    case MOLRT_SOURCE_ETKDG_MMFF:
      return "3D by ETKDG and MMFF94";
    case MOLRT_SOURCE_ETKDG:
      return "3D by ETKDG alone";
    case MOLRT_SOURCE_2D:
      return "flat drawing";
    default:
      return "no coordinates";
  }
}

std::string molecule_name(const ReportRow& row) {
  if (row.text.text.empty()) return "given atoms";
  if (row.text.format == TextFormat::smiles) return std::string(trim(row.text.text));
  const std::string title(trim(row.text.text.substr(0, row.text.text.find('\n'))));
  return title.empty() ? "a MOL block without a title" : title;
}

std::string molecule_cards(const ReportData& data, std::span<const MoleculeCard> cards) {
  std::string all;
  for (const MoleculeCard& one : cards) all += card(data.rows[one.row], one);
  return all.empty() ? "" : element("div", "molecules", all);
}

}  // namespace molrt::report
