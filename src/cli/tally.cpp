#include "cli/tally.h"

#include <fmt/format.h>

#include "base/error.h"
#include "base/text.h"
#include "cli/outline.h"
#include "cli/session.h"

namespace molrt::cli {
namespace {

constexpr size_t failures_shown = 5;

std::string counts(const std::map<std::string, uint64_t>& numbers) {
  std::string text;
  for (const auto& [name, count] : numbers) {
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", name, count);
  }
  return text;
}

}  // namespace

void Tally::add(const molrt_row& row, const std::string& place, const std::string& smiles,
                const std::string& message) {
  ++rows_;
  ++status_[row_status(row)];
  for (uint32_t left = row.flags; left != 0; left &= left - 1)
    ++flags_[molrt_flag_name(left & -left)];
  if (row.status == MOLRT_ROW_OK) return;
  add_failure(fmt::format("  {}: {}: {}", place, row_status(row),
                          message.empty() ? in_quotes(smiles) : message));
}

void Tally::add_bad_row(const std::string& place, const std::string& problem) {
  ++rows_;
  ++status_[bad_row_status];
  add_failure(fmt::format("  {}: {}: {}", place, bad_row_status, problem));
}

void Tally::add_failure(const std::string& text) {
  ++failed_;
  if (first_failures_.size() < failures_shown) first_failures_.push_back(text);
}

Json Tally::state() const {
  return {{"rows", rows_},
          {"failed", failed_},
          {"status", status_},
          {"flags", flags_},
          {"first_failures", first_failures_}};
}

void Tally::restore(const Json& state) {
  state.at("rows").get_to(rows_);
  state.at("failed").get_to(failed_);
  state.at("status").get_to(status_);
  state.at("flags").get_to(flags_);
  state.at("first_failures").get_to(first_failures_);
}

void Tally::print(Progress& progress, const std::string& verb) const {
  progress.say(fmt::format("{} rows in {:.1f} s: {} {}, {} failed", rows_, progress.seconds(),
                           rows_ - failed_, verb, failed_));
  if (rows_ > 0) progress.say("  status: " + counts(status_));
  if (!flags_.empty()) progress.say("  flags: " + counts(flags_));
  if (const auto rows = counts_.short_records) {
    progress.say(fmt::format(
        "  {} row{} had fewer cells than the header (line {}{}); the rest count "
        "as empty",
        rows, rows == 1 ? "" : "s", counts_.first_short_line, rows == 1 ? "" : " is the first"));
  }
  for (const auto& failure : first_failures_) progress.say(failure);
  if (failed_ > first_failures_.size()) {
    progress.say(fmt::format("  and {} more", failed_ - first_failures_.size()));
  }
}

nlohmann::ordered_json Tally::json() const {
  return {{"rows", rows_},     {"ok", rows_ - failed_}, {"failed", failed_},
          {"status", status_}, {"flags", flags_},       {"short_rows", counts_.short_records}};
}

void print_json(const nlohmann::ordered_json& json, bool stdout_is_taken) {
  // Names come from the user's table: bytes that are not UTF-8 must not stop the summary.
  const auto text = json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
  if (!stdout_is_taken) return print_text(text + '\n');
  FILE* stream = stderr;
  std::fputs((text + '\n').c_str(), stream);
  if (std::fflush(stream) != 0 || std::ferror(stream)) {
    fail(MOLRT_ERROR_IO, "the summary cannot be written");
  }
}

}  // namespace molrt::cli
