#pragma once
// The models that one run predicts with, over the same conformers.
#include <string>
#include <vector>

#include "cli/labels.h"
#include "cli/results.h"
#include "cli/scores.h"
#include "cli/session.h"
#include "cli/tally.h"
#include "cli/windows.h"

namespace molrt::cli {

class PanelModel {
 public:
  // `name` tells it from the panel's other models; empty: it is the only one.
  PanelModel(molrt_context* context, const std::string& path, const std::string& name,
             const OpenOptions& options, const UncertainOptions& uncertain, InputTable& table);

  const std::string& name() const { return name_; }
  size_t outputs() const { return targets_.size(); }
  bool has_intervals() const { return low_.shown; }
  // "y_pred", "y_std" ..., "status", "flags"; of several models "esol_y", "esol_y_std" ...; the
  // labels of classes behind them.
  std::vector<std::string> columns() const;

  // The window's rows; what follows is about these.
  void predict(molrt_context* context, const molrt_run_options& run, const Window& window,
               const InputTable& table);
  const float* mean(size_t row) const { return mean_.data() + row * outputs(); }
  std::vector<std::string> cells(const ResultTable& results, size_t row) const;  // for columns()

  Json state() const;  // of the counts and scores, for restore()
  void restore(const Json& state);
  void set_counts(const RecordCounts& counts) { tally_.set_counts(counts); }
  void print(Progress& progress) const;
  nlohmann::ordered_json json() const;

 private:
  struct Column {
    const char* suffix;
    std::vector<float> values;  // [rows of the window, targets]
    bool shown;
  };

  std::vector<const Column*> columns_of_errors() const;
  void find_columns(const std::string& path, InputTable& table);
  void check_mode(const std::string& path) const;
  void choose_columns(bool details);
  void say_errors(Progress& progress) const;
  int samples() const;
  void note_missing_intervals();
  void score(const Window& window, const InputTable& table);
  void set_columns(const Window& window, const InputTable& table) const;

  std::string name_;
  Model model_;
  std::vector<std::string> targets_;
  std::vector<std::string> column_names_;  // that the model reads
  std::vector<size_t> columns_;            // where they are in the table
  Labels labels_;
  std::vector<TargetScore> scores_;
  Tally tally_;
  UncertainOptions uncertain_;
  bool intervals_missing_ = false;  // too few held-out values for the level
  int32_t mode_;                    // MOLRT_MODE_*: of the predictions
  std::vector<float> mean_, std_;   // [rows of the window, targets]
  Column error_{"_error", {}, false}, low_{"_low", {}, false}, high_{"_high", {}, false},
      spread_{"_spread", {}, false}, deterministic_{"_det", {}, false}, gap_{"_gap", {}, false},
      entropy_{"_entropy", {}, false}, information_{"_mutual_information", {}, false};
  std::vector<std::string> status_, flags_;  // of the window
};

// The files' stems, made unique; one empty name for one path.
std::vector<std::string> panel_names(const std::vector<std::string>& paths);

}  // namespace molrt::cli
