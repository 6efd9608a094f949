#include "cli/windows.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/error.h"
#include "cli/signals.h"

namespace molrt::cli {
namespace {

constexpr size_t first_window = 64, largest_window = 4096;
constexpr size_t most_text = 1 << 25;  // of a window: SDF records may be large
constexpr double quick = 4;            // seconds

std::string place(const Record& record) {
  return fmt::format("row {} (line {})", record.row, record.line);
}

size_t text_size(const Record& record) {
  size_t size = record.block.size();
  for (const auto& field : record.fields) size += field.size();
  return size;
}

class Loop {
 public:
  explicit Loop(const WindowLoop& loop) : loop_(loop), window_{loop.batch, {}} {}

  void run() {
    loop_.progress.set_rows(loop_.table.rows());
    skip_done_rows();
    for (size_t rows = first_window; fill(rows);) {
      check_signals();
      const auto start = std::chrono::steady_clock::now();
      loop_.progress.begin_window(loop_.tally.rows(), window_.records.size(), loop_.tally.failed());
      loop_.work(window_);
      count_rows(window_, loop_.table, loop_.tally);
      checkpoint();
      const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
      if (seconds.count() < quick) rows = std::min(2 * rows, largest_window);
    }
    loop_.tally.set_counts(loop_.table.counts());
  }

 private:
  void skip_done_rows() {
    const auto* done = loop_.output.resumed();
    if (!done) return;
    Record record;
    for (uint64_t row = 0; row < done->rows; ++row) {
      check_signals();
      if (!loop_.table.next(record)) fail_changed_input();
    }
    if (loop_.table.crc() != done->input_crc) fail_changed_input();
    loop_.output.restore("tally", [&](const Json& tally) { loop_.tally.restore(tally); });
    loop_.progress.set_skipped(done->rows);
    loop_.progress.say(fmt::format("going on after {} rows", done->rows));
  }

  [[noreturn]] void fail_changed_input() {
    fail(MOLRT_ERROR_INVALID_ARGUMENT,
         "--resume: {}: the first {} rows are not those of the run that was stopped; leave out "
         "--resume to start over",
         loop_.table.name(), loop_.output.resumed()->rows);
  }

  bool fill(size_t rows) {
    window_.records.clear();
    check(molrt_batch_clear(window_.batch));
    Record record;
    size_t size = 0;
    while (window_.records.size() < rows && size < most_text && loop_.table.next(record)) {
      check_signals();
      loop_.table.add_to(window_.batch, record);
      size += text_size(record);
      record.block = {};  // the batch has it
      window_.records.push_back(std::move(record));
    }
    say_encoding();
    return !window_.records.empty();
  }

  void say_encoding() {
    const auto line = loop_.table.counts().not_utf8_line;
    if (line == 0 || std::exchange(said_encoding_, true)) return;
    loop_.progress.say(
        fmt::format("notice: {}: line {} is not UTF-8; its bytes are passed on as they are (if you "
                    "know the encoding, say --encoding, such as cp1252)",
                    loop_.table.name(), line));
  }

  void checkpoint() {
    loop_.flush();
    loop_.output.checkpoint(
        loop_.tally.rows(), loop_.table.crc(),
        {{"tally", loop_.tally.state()}, {"command", loop_.state ? loop_.state() : Json()}});
  }

  const WindowLoop& loop_;
  Window window_;
  bool said_encoding_ = false;
};

bool parses(molrt_context* context, const std::string& smiles) {
  ConformerOptions quick_options;
  quick_options.time_limit = 1;
  const auto batch = make_batch(context, quick_options);
  check(molrt_batch_add_smiles(batch.get(), smiles.c_str()));
  check(molrt_batch_compute_conformers(context, batch.get(), nullptr));
  const int32_t status = get_row(batch.get(), 0).status;
  return status != MOLRT_ROW_EMPTY && status != MOLRT_ROW_INVALID_SMILES;
}

}  // namespace

std::string Window::status(size_t row) const {
  return records[row].problem.empty() ? row_status(get_row(batch, row)) : bad_row_status;
}

std::string Window::flags(size_t row) const { return row_flags(get_row(batch, row)); }

void count_rows(const Window& window, const InputTable& table, Tally& tally) {
  for (size_t i = 0; i < window.records.size(); ++i) {
    const auto& record = window.records[i];
    if (record.problem.empty()) {
      tally.add(get_row(window.batch, i), place(record), table.smiles(record),
                molrt_batch_row_message(window.batch, i));
    } else {
      tally.add_bad_row(place(record), record.problem);
    }
  }
}

void warn_without_header(molrt_context* context, const InputTable& table, Progress& progress) {
  if (table.header().size() > 1 || table.smiles_is_named()) return;
  const auto& name = table.header()[0];
  if (!parses(context, name)) return;
  progress.say(
      fmt::format("warning: {}: the header '{}' looks like a molecule; a table needs a header line "
                  "(a list of SMILES without one: --input-format smi)",
                  table.name(), name));
}

void for_each_window(const WindowLoop& loop) {
  try {
    Loop(loop).run();
  } catch (const Error& error) {
    if (caught_signal()) throw Stopped(loop.output.stop(loop.table.rows()));
    const auto kept = loop.output.keep();
    throw Error(error.status(),
                kept.empty() ? error.what() : fmt::format("{}\n{}", error.what(), kept));
  } catch (...) {
    const auto kept = loop.output.keep();
    if (!kept.empty()) loop.progress.say(kept);
    throw;
  }
}

std::vector<std::string> molecule_columns(const InputTable& table) {
  if (!table.is_sdf()) return {};
  return {"smiles"};
}

std::vector<std::string> molecule_cells(const InputTable& table, const Window& window, size_t row) {
  if (!table.is_sdf()) return {};
  const bool too_large = get_row(window.batch, row).status == MOLRT_ROW_TOO_LARGE;
  return {too_large ? "" : row_smiles(window.batch, row)};  // of those it would take minutes
}

}  // namespace molrt::cli
