#pragma once
// SDF files: MOL blocks with properties. Split by hand, because what a record means is the
// library's affair, and RDKit's own reader hands out molecules, not the text of the broken ones.
#include <unordered_map>
#include <unordered_set>

#include "io/lines.h"
#include "io/records.h"

namespace molrt {

// Columns `name` (the title line) and the properties; values of several lines are joined by "\n".
// Each record up to "$$$$" or the end is one row, whatever it holds; what cannot be a record has a
// `problem`. Blank lines behind the last "$$$$" are none.
class SdfReader : public RecordReader {
 public:
  // `properties`: as SdfScanner found them; others are left out.
  SdfReader(ByteStreamPtr text, std::vector<std::string> properties);

  const std::string& name() const override { return lines_.name(); }
  const std::vector<std::string>& header() const override { return header_; }
  bool next(Record& record) override;
  RecordCounts counts() const override;

 private:
  LineReader lines_;
  std::vector<std::string> header_;
  std::unordered_map<std::string, size_t> columns_;  // of the properties
  uint64_t row_ = 0, bad_records_ = 0;
};

// What a file's records have, before they are read.
class SdfScanner {
 public:
  explicit SdfScanner(ByteStreamPtr text) : lines_(std::move(text)) {}
  bool next();  // reads one record; false at the end
  const std::vector<std::string>& properties() const { return properties_; }  // as they appeared

 private:
  LineReader lines_;
  std::vector<std::string> properties_;
  std::unordered_set<std::string> known_;
};

bool looks_like_sdf(std::string_view start);  // the fourth line says V2000 or V3000

}  // namespace molrt
