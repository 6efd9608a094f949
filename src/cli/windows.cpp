#include "cli/windows.h"

#include <fmt/format.h>

#include "cli/signals.h"

namespace molrt::cli {
namespace {

bool fill(Window& window, InputTable& table) {
  window.records.clear();
  check(molrt_batch_clear(window.batch));
  CsvRecord record;
  while (window.records.size() < window_rows && table.next(record)) {
    check(molrt_batch_add_smiles(window.batch, table.smiles(record).c_str()));
    window.records.push_back(std::move(record));
  }
  return !window.records.empty();
}

void count(const Window& window, const InputTable& table, Tally& tally) {
  for (size_t i = 0; i < window.records.size(); ++i) {
    const auto& record = window.records[i];
    tally.add(get_row(window.batch, i), fmt::format("row {} (line {})", record.row, record.line),
              table.smiles(record), molrt_batch_row_message(window.batch, i));
  }
}

}  // namespace

void for_each_window(InputTable& table, molrt_batch* batch, Progress& progress, Tally& tally,
                     const std::function<void(Window&)>& work) {
  progress.set_rows(table.rows());
  Window window{batch, {}};
  while (fill(window, table)) {
    check_signals();
    progress.begin_window(tally.rows(), window.records.size());
    work(window);
    count(window, table, tally);
  }
}

}  // namespace molrt::cli
