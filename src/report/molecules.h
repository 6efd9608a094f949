#pragma once
// Molecules in a report: their names, and cards with their drawings.
#include <span>
#include <string>
#include <vector>

#include "report/report_data.h"

namespace molrt::report {

std::string source_in_words(int32_t source);      // MOLRT_SOURCE_*
std::string molecule_name(const ReportRow& row);  // its SMILES or title; plain text

struct MoleculeCard {
  size_t row;                      // from 0
  std::vector<std::string> lines;  // plain texts below the drawing
};
std::string molecule_cards(const ReportData& data, std::span<const MoleculeCard> cards);

}  // namespace molrt::report
