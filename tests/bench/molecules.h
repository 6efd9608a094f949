#pragma once
// Molecules of a table, as the network reads them.
#include <fstream>
#include <string>
#include <vector>

#include "chem/conformer.h"
#include "model/model.h"
#include "train/network.h"

namespace molrt {

struct Molecules {
  std::vector<Features> features;
  TrainingMolecules list;
  std::vector<double> values;  // to learn
  std::vector<size_t> rows;

  explicit Molecules(std::vector<Features> all) : features(std::move(all)) {
    for (const Features& f : features) {
      rows.push_back(list.size());
      values.push_back(static_cast<double>(list.size() % 7));
      list.push_back(&f);
    }
  }
  Molecules(const Molecules&) = delete;
  Molecules& operator=(const Molecules&) = delete;
};

// The first column below the header.
inline std::vector<std::string> read_smiles(const std::string& path, size_t count) {
  std::ifstream file(path);
  std::vector<std::string> smiles;
  std::string line;
  std::getline(file, line);
  while (smiles.size() < count && std::getline(file, line))
    smiles.push_back(line.substr(0, line.find(',')));
  return smiles;
}

// Of those that have a conformer.
inline std::vector<Features> features_of(const Model& model,
                                         const std::vector<std::string>& smiles) {
  std::vector<Features> features;
  for (const auto& text : smiles) {
    const auto result = make_conformer(text, {});
    if (result.status == MOLRT_ROW_OK)
      features.push_back(
          make_features(result.conformer, model.dictionary(), model.feature_options()));
  }
  return features;
}

}  // namespace molrt
