#pragma once
// .smi files: a SMILES, blanks, and whatever names the molecule, line by line.
#include "io/lines.h"
#include "io/records.h"

namespace molrt {

// Columns `smiles` and `name` (all that follows the first blanks). There is no header, unless the
// first line's first word is one that a header has and no SMILES is, such as "SMILES". Blank lines
// are skipped. (RDKit's reader takes every first line for a header unless told; most .smi files
// have none, and a molecule would be lost.)
class SmiReader : public RecordReader {
 public:
  explicit SmiReader(ByteStreamPtr text);

  const std::string& name() const override { return lines_.name(); }
  const std::vector<std::string>& header() const override { return header_; }
  bool next(Record& record) override;
  RecordCounts counts() const override;

 private:
  LineReader lines_;
  std::vector<std::string> header_ = {"smiles", "name"};
  uint64_t row_ = 0;
  bool begun_ = false;
};

// The names that columns of SMILES have, whatever their case.
bool names_smiles(std::string_view column);

}  // namespace molrt
