#pragma once
// Predictions against measured values that the input carries in a column named as the target.
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/input.h"
#include "cli/progress.h"
#include "cli/run_facts.h"

namespace molrt::cli {

class Score {
 public:
  void add(double measured, double predicted);
  uint64_t count() const { return count_; }
  double rmse() const;
  double mae() const;
  double r2() const;         // NaN where the measured values do not differ
  double mean_rmse() const;  // of predicting the measured values' own mean
  Json state() const;        // for restore()
  void restore(const Json& state);

 private:
  uint64_t count_ = 0;
  double squares_ = 0, absolutes_ = 0;
  double mean_ = 0, spread_ = 0;  // of the measured values: mean, sum of squared distances from it
};

struct TargetScore {
  std::string target;
  size_t output, column;
  Score score;
};

// One for each target that names one column of the input.
std::vector<TargetScore> find_measured(const InputTable& table,
                                       const std::vector<std::string>& targets);
// A number in a report; "undefined" for NaN.
std::string metric_text(double value);
void print_scores(const std::vector<TargetScore>& scores, Progress& progress);
nlohmann::ordered_json scores_json(const std::vector<TargetScore>& scores);

}  // namespace molrt::cli
