#pragma once
// 2. A conformer -> what the network reads (spec: model.md section 1, steps 3 to 6).
#include <cstdint>
#include <string>
#include <vector>

#include "chem/conformer.h"
#include "features/dictionary.h"

namespace molrt {

struct FeatureOptions {
  bool remove_hydrogens = false;
  bool given = false;   // the conformer was given: hydrogens removed or added are flagged
  int max_atoms = 256;  // after hydrogens are removed
  bool crop = false;    // too many atoms: leave out the last ones instead of TOO_LARGE
};

struct Features {
  int32_t status = MOLRT_ROW_OK;  // MOLRT_ROW_*; everything below is empty unless OK
  uint32_t flags = 0;             // UNKNOWN_ELEMENT, HYDROGENS_REMOVED or _ADDED, CROPPED
  std::string message;
  std::vector<int32_t> tokens;     // [n + 2]: [CLS], atoms, [SEP]
  std::vector<float> coordinates;  // [n + 2, 3]: minus their mean; [CLS] and [SEP] at the origin
  std::vector<int32_t> atoms;      // [n]: each one's index in the conformer
  int length() const { return static_cast<int>(tokens.size()); }
};

Features make_features(const Conformer& conformer, const Dictionary& dictionary,
                       const FeatureOptions& options);

}  // namespace molrt
