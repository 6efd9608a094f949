#include <algorithm>
#include <cmath>
#include <limits>

#include "api/guard.h"
#include "api/handles.h"
#include "base/text.h"
#include "chem/canonical.h"

using namespace molrt;
using namespace molrt::api;

namespace {

const molrt_conformer_options defaults = {
    sizeof(molrt_conformer_options), MOLRT_LADDER_DEFAULT, 42, 0, 60.0, 1, 0, 0};
const molrt_row empty_row = {sizeof(molrt_row), MOLRT_ROW_PENDING, MOLRT_SOURCE_NONE, 0, 0, 0, 0};
constexpr size_t most_atoms = largest_molecule;
constexpr int32_t most_conformers = 1000;
constexpr size_t most_columns = 10000;

void check_conformer_options(const molrt_conformer_options& o) {
  require_range("ladder", o.ladder, MOLRT_LADDER_DEFAULT, MOLRT_LADDER_PEER);
  require_range("seed", o.seed, 0, INT32_MAX);
  require_range("max_atoms", o.max_atoms, 0, most_atoms);
  if (!(o.time_limit >= 0))
    fail(MOLRT_ERROR_INVALID_ARGUMENT, "time_limit = {}: expected seconds, 0 or more",
         o.time_limit);
  require_range("count", o.count, 1, most_conformers);
  require_range("flat", o.flat, 0, 1);
  require_range("canonical", o.canonical, 0, 1);
  if (o.seed > INT32_MAX - (o.count - 1))
    fail(MOLRT_ERROR_INVALID_ARGUMENT,
         "seed = {}: with {} conformers the last one's seed is beyond {}", o.seed, o.count,
         INT32_MAX);
}

Batch make_batch(const molrt_conformer_options* user) {
  const auto o = read_struct(user, defaults, "options");
  check_conformer_options(o);
  ConformerOptions options;
  options.peer_ladder = o.ladder == MOLRT_LADDER_PEER;
  options.seed = o.seed;
  options.max_atoms = o.max_atoms;
  options.time_limit = o.time_limit;
  return Batch(options, {o.count, o.flat != 0, o.canonical != 0});
}

std::vector<std::string> read_column_names(const char* const* names, size_t count) {
  std::vector<std::string> list;
  for (size_t i = 0; i < count; ++i) {
    const std::string name = &require(names[i], "a column name");
    if (name.empty() || !is_utf8(name))
      fail(MOLRT_ERROR_INVALID_ARGUMENT, "column name {}: expected a text in UTF-8",
           in_quotes(name));
    if (std::find(list.begin(), list.end(), name) != list.end())
      fail(MOLRT_ERROR_INVALID_ARGUMENT, "column name {} is there twice", in_quotes(name));
    list.push_back(name);
  }
  return list;
}

// values has the batch's rows.
ColumnTable read_columns(const char* const* names, const double* values, size_t rows,
                         size_t columns) {
  if (columns > most_columns)
    fail(MOLRT_ERROR_INVALID_ARGUMENT, "columns = {}: expected at most {}", columns, most_columns);
  if (columns > 0) require(names, "names");
  if (columns > 0 && rows > 0) require(values, "values");
  ColumnTable table{read_column_names(names, columns), {}, rows};
  for (size_t i = 0; i < rows * columns; ++i) {
    const double value = values[i];
    if (std::abs(value) > std::numeric_limits<float>::max())
      fail(MOLRT_ERROR_INVALID_ARGUMENT, "row {}, column {}: {} is beyond float32", i / columns + 1,
           in_quotes(table.names[i % columns]), value);
    table.values.push_back(static_cast<float>(value));
  }
  return table;
}

const Batch& checked_row(const molrt_batch* batch, size_t row) {
  const Batch& b = require(batch, "batch").batch;
  if (row >= b.size())
    fail(MOLRT_ERROR_INVALID_ARGUMENT, "row = {}: the batch has {} rows", row, b.size());
  return b;
}

const Conformer& checked_conformer(const Batch& batch, size_t row, size_t conformer) {
  const size_t conformers = batch.conformers(row);
  if (conformers == 0)
    fail(MOLRT_ERROR_STATE, "row {} has no conformer ({})", row,
         molrt_row_status_name(batch.row(row).status));
  if (conformer >= conformers)
    fail(MOLRT_ERROR_INVALID_ARGUMENT, "conformer = {}: row {} has {}", conformer, row, conformers);
  return batch.conformer(row, conformer);
}

void require_capacity(size_t capacity, size_t needed) {
  if (capacity < needed)
    fail(MOLRT_ERROR_BUFFER_TOO_SMALL, "capacity = {} atoms, the row has {}", capacity, needed);
}

}  // namespace

namespace molrt::api {

void fill_row(const Batch& batch, size_t row, molrt_row* out) {
  const RowState state = batch.row(row);
  molrt_row value = empty_row;
  value.status = state.status;
  value.source = state.source;
  value.flags = state.flags;
  value.conformer_atoms = state.conformer_atoms;
  value.model_atoms = state.model_atoms;
  value.conformers = state.conformers;
  write_struct(value, out, require(out, "out").struct_size, "out");
}

}  // namespace molrt::api

int32_t molrt_conformer_options_init(molrt_conformer_options* options, size_t struct_size) {
  return init_struct(options, struct_size, defaults, "options");
}
int32_t molrt_row_init(molrt_row* row, size_t struct_size) {
  return init_struct(row, struct_size, empty_row, "row");
}

int32_t molrt_batch_create(molrt_context* context, const molrt_conformer_options* options,
                           molrt_batch** batch) {
  return guarded([&] {
    require(batch, "batch") = nullptr;
    require(context, "context");
    *batch = new molrt_batch{make_batch(options)};
  });
}

void molrt_batch_free(molrt_batch* batch) { delete batch; }

int32_t molrt_batch_add_smiles(molrt_batch* batch, const char* smiles) {
  return guarded([&] { require(batch, "batch").batch.add_text(smiles ? smiles : ""); });
}

int32_t molrt_batch_add_mol_block(molrt_batch* batch, const char* block) {
  return guarded([&] {
    require(batch, "batch").batch.add_text({block ? block : "", TextFormat::mol_block});
  });
}

int32_t molrt_batch_add_atoms(molrt_batch* batch, const char* const* symbols,
                              const double* coordinates, size_t atoms) {
  return guarded([&] {
    Batch& b = require(batch, "batch").batch;
    if (atoms > most_atoms)
      fail(MOLRT_ERROR_INVALID_ARGUMENT, "atoms = {}: expected at most {}", atoms, most_atoms);
    std::vector<std::string> names;
    if (atoms) require(symbols, "symbols"), require(coordinates, "coordinates");
    for (size_t i = 0; i < atoms; ++i) names.emplace_back(&require(symbols[i], "a symbol"));
    b.add_atoms(std::move(names), {coordinates, coordinates + 3 * atoms});
  });
}

int32_t molrt_batch_set_columns(molrt_batch* batch, const char* const* names, const double* values,
                                size_t rows, size_t columns) {
  return guarded([&] {
    Batch& b = require(batch, "batch").batch;
    if (rows != b.size())
      fail(MOLRT_ERROR_INVALID_ARGUMENT, "rows = {}: the batch has {}", rows, b.size());
    b.set_columns(read_columns(names, values, rows, columns));
  });
}

size_t molrt_batch_size(const molrt_batch* batch) { return batch ? batch->batch.size() : 0; }

int32_t molrt_batch_clear(molrt_batch* batch) {
  return guarded([&] { require(batch, "batch").batch.clear(); });
}

int32_t molrt_batch_get_row(const molrt_batch* batch, size_t row, molrt_row* out) {
  return guarded([&] { fill_row(checked_row(batch, row), row, out); });
}

const char* molrt_batch_row_message(const molrt_batch* batch, size_t row) {
  if (!batch || row >= batch->batch.size()) return "";
  return batch->batch.message(row).c_str();
}

int32_t molrt_batch_get_conformer(const molrt_batch* batch, size_t row, size_t conformer,
                                  int32_t* atomic_numbers, float* coordinates, int32_t* input_index,
                                  size_t capacity) {
  return guarded([&] {
    const Batch& b = checked_row(batch, row);
    if (b.conformers(row) == 0 && conformer == 0) return;  // no atoms
    const Conformer& c = checked_conformer(b, row, conformer);
    require_capacity(capacity, c.atoms());
    if (atomic_numbers) std::copy(c.atomic_numbers.begin(), c.atomic_numbers.end(), atomic_numbers);
    if (coordinates) std::copy(c.coordinates.begin(), c.coordinates.end(), coordinates);
    if (!input_index) return;
    const std::vector<int32_t> index = b.input_index(row);
    std::copy(index.begin(), index.end(), input_index);
  });
}

int32_t molrt_batch_get_sdf(const molrt_batch* batch, size_t row, size_t conformer,
                            const char* title, char* buffer, size_t capacity, size_t* needed) {
  return guarded([&] {
    const Batch& b = checked_row(batch, row);
    const Conformer& c = checked_conformer(b, row, conformer);
    write_text(sdf_record(b.text(row), c, title ? title : ""), buffer, capacity, needed);
  });
}

int32_t molrt_batch_get_smiles(const molrt_batch* batch, size_t row, char* buffer, size_t capacity,
                               size_t* needed) {
  return guarded([&] {
    const Batch& b = checked_row(batch, row);
    if (b.is_atoms(row))
      fail(MOLRT_ERROR_STATE, "row {} was given as atoms without bonds: it has no SMILES", row);
    write_text(canonical_smiles(b.text(row)), buffer, capacity, needed);
  });
}

int32_t molrt_batch_get_model_atoms(const molrt_batch* batch, size_t row, int32_t* input_index,
                                    size_t capacity) {
  return guarded([&] {
    const std::vector<int32_t> index = checked_row(batch, row).model_atoms(row);
    require_capacity(capacity, index.size());
    if (!index.empty()) std::copy(index.begin(), index.end(), &require(input_index, "input_index"));
  });
}
