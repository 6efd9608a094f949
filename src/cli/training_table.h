#pragma once
// What was measured of a table's molecules.
#include <functional>
#include <string>
#include <vector>

#include "cli/finetune_options.h"
#include "cli/input.h"
#include "cli/tally.h"

namespace molrt::cli {

// Its rows are those of a batch.
struct TrainingTable {
  std::vector<std::string> targets;
  std::vector<std::string> smiles, places, problems;  // [rows]; as for Tally
  std::vector<double> values;                         // [rows, targets]; NaN: no value
  std::vector<std::string> columns;                   // that the head reads
  std::vector<double> inputs;                         // [rows, columns]; likewise
  RecordCounts counts;
};

// By name or position.
struct AskedColumns {
  std::vector<std::string> targets, inputs;
};

// Reads the table to its end; the molecules go to `batch`, and `beside` reads the rows' own
// columns. DATA errors name the row and column of a cell that is no number, INVALID_ARGUMENT those
// of a column that is asked for twice.
TrainingTable read_training_table(InputTable& table, const AskedColumns& asked,
                                  TrainingColumns& beside, molrt_batch* batch);

// What became of its rows, by what the library says of row i.
Tally tally_of(const TrainingTable& data, const std::function<molrt_row(size_t)>& row,
               const std::function<const char*(size_t)>& message);

// Molecules without values, with the input columns that the options name.
struct UnlabelledTable {
  size_t rows = 0;
  std::vector<std::string> columns;
  std::vector<double> inputs;  // [rows, columns]
};
// Reads options.unlabelled, whose SMILES column is guessed; as above.
UnlabelledTable read_unlabelled_table(const FinetuneOptions& options, molrt_batch* batch);

}  // namespace molrt::cli
