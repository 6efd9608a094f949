#include "cli/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "cli/console.h"
#include "cli/signals.h"

namespace molrt::cli {
namespace {

using Clock = std::chrono::steady_clock;

// Share of a molecule's work that its conformer is, for the remaining time only.
constexpr double conformer_share = 0.6;

constexpr double seconds_between_epochs = 2;  // in a log file

double since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// After these seconds this part of the work is done, and that is left.
std::string remaining(double seconds, double done, double still) {
  if (done <= 0) return "";
  const auto left = static_cast<int64_t>(std::ceil(seconds * still / done));
  if (left >= 3600)
    return fmt::format(", {}:{:02}:{:02} left", left / 3600, left / 60 % 60, left % 60);
  return fmt::format(", {}:{:02} left", left / 60, left % 60);
}

// "network 2/5: ", of folds x seeds; nothing where there is one.
std::string member(const molrt_progress& state) {
  return state.folds > 1 ? fmt::format("network {}/{}: ", state.fold + 1, state.folds) : "";
}

double steps_part(const molrt_progress& state) {
  if (state.steps > 0) return static_cast<double>(state.step) / static_cast<double>(state.steps);
  return static_cast<double>(state.done) / static_cast<double>(std::max<uint64_t>(state.total, 1));
}

void append_value(std::string& line, const std::string& name, double value) {
  if (!std::isnan(value)) line += fmt::format(", {} {:.4g}", name, value);
}

// The library names its options; here they are flags.
std::string with_flag(std::string message) {
  const std::string words = "override with the option ";
  const auto found = message.find(words);
  return found == std::string::npos ? message
                                    : message.replace(found, words.size(), "override with --");
}

}  // namespace

Progress::Progress(const ReportOptions& options)
    : options_(options), terminal_(isatty(STDERR_FILENO)), start_(Clock::now()), last_(start_) {}

double Progress::seconds() const { return since(start_); }

void Progress::begin_window(uint64_t rows_before, uint64_t rows, uint64_t failed) {
  rows_before_ = rows_before;
  window_rows_ = rows;
  failed_ = failed;
}

bool Progress::due(bool also_in_logs) {
  if (options_.quiet || !(terminal_ || options_.verbose || also_in_logs)) return false;
  if (since(last_) < (terminal_ ? 0.1 : 10.0)) return false;
  last_ = Clock::now();
  return true;
}

int32_t Progress::update(const molrt_progress& state) {
  const bool training = state.stage == MOLRT_STAGE_TRAINING;
  if (training) start_training(state);
  if (state.stage == MOLRT_STAGE_PROBE && !probe_start_) probe_start_ = Clock::now();
  const bool pretraining = state.stage == MOLRT_STAGE_PRETRAINING;
  if (pretraining) start_training(state);
  if (((training || pretraining) && epoch_due(state)) || due(state.stage == MOLRT_STAGE_READING)) {
    const auto line = training                             ? training_line(state)
                      : pretraining                        ? pretraining_line(state)
                      : state.stage == MOLRT_STAGE_READING ? reading_line(state)
                      : state.stage == MOLRT_STAGE_PROBE   ? probe_line(state)
                                                           : rows_line(state);
    // \r: back to the line's start; \x1b[K: erase what is left of the line before.
    write_stderr(fmt::format("{}{}{}", terminal_ ? "\r" : "", line, terminal_ ? "\x1b[K" : "\n"));
    shown_ = terminal_;
  }
  return caught_signal();
}

void Progress::start_training(const molrt_progress& state) {
  if (!training_) {
    training_start_ = Clock::now();
    part_before_ = state.part;
    stepped_before_ = steps_part(state);
  }
  training_ = true;
  if (state.train_rows == 0 || !told_folds_.insert(state.fold).second) return;
  say(fmt::format("{}{} molecules to train on, {} held out", member(state), state.train_rows,
                  state.held_out_rows));
}

// Where there is no terminal: epochs, but of quick ones only some and a fold's last.
bool Progress::epoch_due(const molrt_progress& state) {
  if (options_.quiet || terminal_ || state.done == epochs_done_) return false;
  epochs_done_ = state.done;
  if (state.epoch < state.epochs && since(last_) < seconds_between_epochs) return false;
  last_ = Clock::now();
  return true;
}

std::string Progress::rows_line(const molrt_progress& state) {
  const double done = state.total ? static_cast<double>(state.done) / state.total : 1;
  const auto [name, share] =
      state.stage == MOLRT_STAGE_CONFORMERS ? std::pair("conformers", conformer_share * done)
      : state.stage == MOLRT_STAGE_DESCRIPTORS
          ? std::pair("descriptors", conformer_share)
          : std::pair("network", conformer_share + (1 - conformer_share) * done);
  const double worked = rows_before_ - skipped_ + share * window_rows_;
  auto line =
      fmt::format("{} {}", name,
                  rows_before_ + static_cast<uint64_t>(done * static_cast<double>(window_rows_)));
  if (total_rows_) line += fmt::format("/{}", *total_rows_);
  line += fmt::format(", {:.1f} rows/s", worked / seconds());
  if (total_rows_) {
    const double part = worked / std::max<uint64_t>(*total_rows_ - skipped_, 1);
    line += remaining(seconds(), part, 1 - part);
  }
  if (failed_ > 0) line += fmt::format(", {} failed", failed_);
  return line;
}

std::string Progress::reading_line(const molrt_progress& state) {
  return fmt::format("reading: molecule {}/{}", state.done, state.total);
}

std::string Progress::probe_line(const molrt_progress& state) {
  const double part =
      static_cast<double>(state.done) / static_cast<double>(std::max<uint64_t>(state.total, 1));
  return fmt::format("probe: {:.0f} %{}", 100 * part,
                     remaining(since(*probe_start_), part, 1 - part));
}

std::string Progress::training_line(const molrt_progress& state) {
  const double seconds = since(training_start_);
  const std::string left = remaining(seconds, state.part - part_before_, 1 - state.part);
  if (state.mc_pass > 0)
    return fmt::format("training: {}error bars, pass {}/{}{}", member(state), state.mc_pass,
                       state.mc_passes, left);
  auto line = fmt::format("training: {}epoch {}/{}", member(state), state.epoch, state.epochs);
  if (state.steps > 0) line += fmt::format(", step {}/{}", state.step, state.steps);
  append_value(line, "loss", state.train_loss);
  append_value(line, "held out", state.valid_loss);
  const std::string metric = state.metric_name;
  if (metric != "loss") append_value(line, "held-out " + metric, state.valid_metric);
  append_value(line, "lr", state.learning_rate);
  const double molecules = (steps_part(state) - stepped_before_) * state.folds * state.epochs *
                           static_cast<double>(state.train_rows);
  if (molecules > 0) line += fmt::format(", {:.0f} molecules/s", molecules / seconds);
  return line + left;
}

std::string Progress::pretraining_line(const molrt_progress& state) {
  const double seconds = since(training_start_);
  auto line = fmt::format("pre-training: step {}/{}", state.step, state.steps);
  append_value(line, "loss", state.train_loss);
  append_value(line, "held out", state.valid_loss);
  append_value(line, "lr", state.learning_rate);
  const double part = state.part - part_before_;
  if (seconds > 0)
    line += fmt::format(", {:.1f} steps/s", part * static_cast<double>(state.steps) / seconds);
  return line + remaining(seconds, part, 1 - state.part);
}

void Progress::log(int32_t level, const char* message) {
  if (level == MOLRT_LOG_INFO && !options_.verbose) return;
  const char* kind = level == MOLRT_LOG_WARNING  ? "warning: "
                     : level == MOLRT_LOG_NOTICE ? "notice: "
                                                 : "";
  say(fmt::format("{}{}", kind, with_flag(message)));
}

void Progress::say(const std::string& text) {
  if (options_.quiet) return;
  clear();
  write_stderr(fmt::format("molrt: {}\n", text));
}

void Progress::clear() {
  if (shown_) write_stderr("\r\x1b[K");
  shown_ = false;
}

}  // namespace molrt::cli
