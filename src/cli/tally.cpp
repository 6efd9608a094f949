#include "cli/tally.h"

#include <fmt/format.h>

#include "base/error.h"
#include "base/text.h"
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
  ++failed_;
  if (first_failures_.size() < failures_shown) {
    first_failures_.push_back(fmt::format("  {}: {}: {}", place, row_status(row),
                                          message.empty() ? in_quotes(smiles) : message));
  }
}

void Tally::print(Progress& progress, const std::string& verb) const {
  progress.say(fmt::format("{} rows in {:.1f} s: {} {}, {} failed", rows_, progress.seconds(),
                           rows_ - failed_, verb, failed_));
  if (rows_ > 0) progress.say("  status: " + counts(status_));
  if (!flags_.empty()) progress.say("  flags: " + counts(flags_));
  if (short_rows_ > 0) {
    progress.say(fmt::format("  {} row{} had fewer cells than the header; the rest count as empty",
                             short_rows_, short_rows_ == 1 ? "" : "s"));
  }
  for (const auto& failure : first_failures_) progress.say(failure);
  if (failed_ > first_failures_.size()) {
    progress.say(fmt::format("  and {} more", failed_ - first_failures_.size()));
  }
}

nlohmann::ordered_json Tally::json() const {
  return {{"rows", rows_},     {"ok", rows_ - failed_}, {"failed", failed_},
          {"status", status_}, {"flags", flags_},       {"short_rows", short_rows_}};
}

void print_json(const nlohmann::ordered_json& json, bool stdout_is_taken) {
  // Names come from the user's table: bytes that are not UTF-8 must not stop the summary.
  const auto text = json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
  FILE* stream = stdout_is_taken ? stderr : stdout;
  std::fputs((text + '\n').c_str(), stream);
  if (std::fflush(stream) != 0 || std::ferror(stream)) {
    fail(MOLRT_ERROR_IO, "the summary cannot be written");
  }
}

}  // namespace molrt::cli
