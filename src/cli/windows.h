#pragma once
// The input's rows through the library, window by window, so that memory is bounded.
#include <functional>
#include <vector>

#include "cli/input.h"
#include "cli/progress.h"
#include "cli/session.h"
#include "cli/tally.h"

namespace molrt::cli {

// Equal SMILES within a window are computed once.
constexpr size_t window_rows = 4096;

struct Window {
  molrt_batch* batch;
  std::vector<CsvRecord> records;  // one for each row of the batch
};

// A list of SMILES loses its first one as the header: says so.
void warn_without_header(molrt_context* context, const InputTable& table, Progress& progress);

// Tells the tally what became of the window's rows.
void count_rows(const Window& window, const InputTable& table, Tally& tally);

// Calls work(window) for each window of the table, then counts its rows.
void for_each_window(InputTable& table, molrt_batch* batch, Progress& progress, Tally& tally,
                     const std::function<void(Window&)>& work);

}  // namespace molrt::cli
