#pragma once
// What became of the rows, for the summary on stderr and for --json.
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/output.h"
#include "cli/progress.h"
#include "molrt.h"

namespace molrt::cli {

class Tally {
 public:
  // `message` says why a row failed, the SMILES included; `place` is where the user finds it, such
  // as "row 3 (line 4)".
  void add(const molrt_row& row, const std::string& place, const std::string& smiles,
           const std::string& message);
  void set_short_rows(uint64_t count) { short_rows_ = count; }  // with fewer cells than the header
  // "1128 rows in 20.1 s: 1120 predicted, 8 failed", the reasons and the first failures.
  void print(Progress& progress, const std::string& verb) const;
  nlohmann::ordered_json json() const;
  uint64_t rows() const { return rows_; }

 private:
  uint64_t rows_ = 0, failed_ = 0, short_rows_ = 0;
  std::map<std::string, uint64_t> status_, flags_;
  std::vector<std::string> first_failures_;
};

// One line of JSON on stdout, or on stderr where stdout carries results.
void print_json(const nlohmann::ordered_json& json, bool stdout_is_taken);

}  // namespace molrt::cli
