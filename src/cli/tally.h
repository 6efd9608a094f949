#pragma once
// What became of the rows, for the summary on stderr and for --json.
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/progress.h"
#include "cli/run_facts.h"
#include "io/records.h"
#include "molrt.h"

namespace molrt::cli {

class Tally {
 public:
  // `message` says why a row failed, the SMILES included; `place` is where the user finds it, such
  // as "row 3 (line 4)".
  void add(const molrt_row& row, const std::string& place, const std::string& smiles,
           const std::string& message);
  // A row that the library has not seen: its record has a problem.
  void add_bad_row(const std::string& place, const std::string& problem);
  void set_counts(const RecordCounts& counts) { counts_ = counts; }  // of the input's records
  // "1128 rows in 20.1 s: 1120 predicted, 8 failed", the reasons and the first failures.
  void print(Progress& progress, const std::string& verb) const;
  nlohmann::ordered_json json() const;
  uint64_t rows() const { return rows_; }
  uint64_t failed() const { return failed_; }
  Json state() const;  // for restore(); the input's counts come from reading it again
  void restore(const Json& state);

 private:
  void add_failure(const std::string& text);

  uint64_t rows_ = 0, failed_ = 0;
  RecordCounts counts_;
  std::map<std::string, uint64_t> status_, flags_;
  std::vector<std::string> first_failures_;
};

constexpr const char* bad_row_status = "bad_row";  // beside the library's

// One line of JSON on stdout, or on stderr where stdout carries results.
void print_json(const nlohmann::ordered_json& json, bool stdout_is_taken);

}  // namespace molrt::cli
