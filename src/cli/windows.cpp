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

bool parses(molrt_context* context, const std::string& smiles) {
  ConformerOptions quick;
  quick.time_limit = 1;
  const auto batch = make_batch(context, quick);
  check(molrt_batch_add_smiles(batch.get(), smiles.c_str()));
  check(molrt_batch_compute_conformers(context, batch.get(), nullptr));
  const int32_t status = get_row(batch.get(), 0).status;
  return status != MOLRT_ROW_EMPTY && status != MOLRT_ROW_INVALID_SMILES;
}

}  // namespace

void count_rows(const Window& window, const InputTable& table, Tally& tally) {
  for (size_t i = 0; i < window.records.size(); ++i) {
    const auto& record = window.records[i];
    tally.add(get_row(window.batch, i), fmt::format("row {} (line {})", record.row, record.line),
              table.smiles(record), molrt_batch_row_message(window.batch, i));
  }
}

void warn_without_header(molrt_context* context, const InputTable& table, Progress& progress) {
  if (table.header().size() > 1 || table.smiles_is_named()) return;
  const auto& name = table.header()[0];
  if (!parses(context, trimmed(name))) return;
  progress.say(
      fmt::format("warning: {}: the header '{}' looks like a molecule; a table needs a header line",
                  table.name(), name));
}

void for_each_window(InputTable& table, molrt_batch* batch, Progress& progress, Tally& tally,
                     const std::function<void(Window&)>& work) {
  progress.set_rows(table.rows());
  Window window{batch, {}};
  while (fill(window, table)) {
    check_signals();
    progress.begin_window(tally.rows(), window.records.size());
    work(window);
    count_rows(window, table, tally);
  }
  tally.set_short_rows(table.short_rows());
}

}  // namespace molrt::cli
