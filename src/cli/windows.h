#pragma once
// The input's rows through the library, window by window, so that memory is bounded.
#include <functional>
#include <string>
#include <vector>

#include "cli/input.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/session.h"
#include "cli/tally.h"

namespace molrt::cli {

// Equal SMILES within a window are computed once.
struct Window {
  molrt_batch* batch;
  std::vector<Record> records;  // one for each row of the batch

  // The row's source or failure, and its flags, as results show them.
  std::string status(size_t row) const;
  std::string flags(size_t row) const;
};

struct WindowLoop {
  InputTable& table;
  molrt_batch* batch;
  Output& output;
  Progress& progress;
  Tally& tally;
  std::function<void(Window&)> work;  // computes a window and writes its rows
  std::function<void()> flush;        // after which `output` has them all
  std::function<Json()> state = {};   // of the command's own sums, for output.resumed()
};

// Tells the tally what became of the window's rows.
void count_rows(const Window& window, const InputTable& table, Tally& tally);

// A list of SMILES loses its first one as the header: says so.
void warn_without_header(molrt_context* context, const InputTable& table, Progress& progress);

// Works through the table, from where a run before this one has ended, and counts its rows. Windows
// grow while they are quick: first results come early, and little is lost by a stop. Stopped after
// a signal.
void for_each_window(const WindowLoop& loop);

// What results of SDF records have that the input's columns lack: a SMILES, in a column of its own.
std::vector<std::string> molecule_columns(const InputTable& table);
std::vector<std::string> molecule_cells(const InputTable& table, const Window& window, size_t row);

}  // namespace molrt::cli
