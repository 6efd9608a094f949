#pragma once
// What a person sees on stderr while a command runs: one line of progress, rewritten in place on a
// terminal, and the messages that must not be lost in it. Elsewhere, as in a log file, training has
// a line an epoch, of quick ones every few, and reading an archive one every ten seconds.
#include <chrono>
#include <cstdint>
#include <optional>
#include <set>
#include <string>

#include "cli/options.h"
#include "molrt.h"

namespace molrt::cli {

class Progress {
 public:
  explicit Progress(const ReportOptions& options);
  ~Progress() { clear(); }

  void set_rows(std::optional<uint64_t> total) { total_rows_ = total; }  // nullopt: not known
  // Rows that a run before this one has done: they tell nothing about this one's pace.
  void set_skipped(uint64_t rows) { skipped_ = rows; }
  // The library's next calls are about `rows`, behind `rows_before`, of which `failed` failed.
  void begin_window(uint64_t rows_before, uint64_t rows, uint64_t failed);
  int32_t update(const molrt_progress& state);   // nonzero after a signal
  void log(int32_t level, const char* message);  // of the library
  void say(const std::string& text);             // a line on stderr, unless quiet
  double seconds() const;                        // since the start

 private:
  void clear();
  bool due(bool also_in_logs);
  std::string rows_line(const molrt_progress& state);
  std::string probe_line(const molrt_progress& state);
  static std::string reading_line(const molrt_progress& state);
  void start_training(const molrt_progress& state);
  bool epoch_due(const molrt_progress& state);
  std::string pretraining_line(const molrt_progress& state);
  std::string training_line(const molrt_progress& state);

  ReportOptions options_;
  bool terminal_, shown_ = false;
  std::chrono::steady_clock::time_point start_, last_, training_start_;
  std::optional<std::chrono::steady_clock::time_point> probe_start_;
  bool training_ = false;
  double part_before_ = 0, stepped_before_ = 0;  // when the clock of training began
  uint64_t epochs_done_ = 0;                     // of all folds, when the last line was due
  std::set<int32_t> told_folds_;                 // whose rows were told
  std::optional<uint64_t> total_rows_;
  uint64_t rows_before_ = 0, window_rows_ = 0, failed_ = 0, skipped_ = 0;
};

}  // namespace molrt::cli
