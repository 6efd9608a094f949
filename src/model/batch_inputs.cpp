// What the head reads of a batch beside CLS.
#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/parallel.h"
#include "base/text.h"
#include "model/batch.h"

namespace molrt {
namespace {

std::string quoted(const std::vector<std::string>& names) {
  std::string list;
  for (const std::string& name : names) list += (list.empty() ? "" : ", ") + in_quotes(name);
  return list;
}

// Of each name, its place in the table.
std::vector<size_t> find_columns(const std::vector<std::string>& names, const ColumnTable& table) {
  std::vector<size_t> places;
  std::vector<std::string> missing;
  for (const std::string& name : names) {
    const auto found = std::find(table.names.begin(), table.names.end(), name);
    places.push_back(static_cast<size_t>(found - table.names.begin()));
    if (found == table.names.end()) missing.push_back(name);
  }
  if (!missing.empty())
    fail(MOLRT_ERROR_INVALID_ARGUMENT,
         "the model reads {} column(s) beside the molecules and {} not given; there {}: {}",
         names.size(), quoted(missing) + (missing.size() == 1 ? " is" : " are"),
         table.names.size() == 1 ? "is" : "are",
         table.names.empty() ? "none" : quoted(table.names));
  return places;
}

}  // namespace

void Batch::compute_inputs(const HeadInputs& inputs, const RunOptions& options) {
  if (!inputs.columns.empty() && !columns_.names.empty() && columns_.rows != size())
    fail(MOLRT_ERROR_STATE, "the columns were set for {} rows, and the batch has {} now",
         columns_.rows, size());
  read_columns_ = find_columns(inputs.columns, columns_);
  if (inputs.descriptors.size() == 0) return;
  Watch watch(options.progress, MOLRT_STAGE_DESCRIPTORS, molecules_.size());
  parallel_for(
      options.threads, molecules_.size(),
      [&](size_t i, int worker) {
        describe(molecules_[i], inputs.descriptors);
        watch.count_one();
        if (worker == 0) watch.tell_or_cancel();
      },
      [&] { watch.tell_or_cancel(); });
}

void Batch::describe(Molecule& m, const DescriptorList& list) const {
  if (outcome(m).status != MOLRT_ROW_OK) return;
  const auto lose = [&](int32_t status, const std::string& reason) {
    for (Features& features : m.features) {
      features.status = status;
      features.message = reason;
    }
  };
  if (m.text.text.empty())
    return lose(MOLRT_ROW_NO_DESCRIPTORS, "no descriptors: atoms were given, without bonds");
  try {
    const std::vector<double> values = describe_molecule(m.text, list);
    m.descriptors.assign(values.begin(), values.end());
  } catch (const std::bad_alloc&) {
    lose(MOLRT_ROW_OUT_OF_MEMORY, "out of memory for descriptors");
  } catch (const std::exception& e) {
    lose(MOLRT_ROW_NO_DESCRIPTORS, fmt::format("no descriptors: {}", printable(e.what())));
  }
}

std::vector<float> Batch::inputs(size_t row) const {
  std::vector<float> values;
  for (const size_t column : read_columns_)
    values.push_back(columns_.values[row * columns_.names.size() + column]);
  const std::vector<float>& own = molecule(row)->descriptors;
  values.insert(values.end(), own.begin(), own.end());
  return values;
}

std::vector<std::vector<float>> Batch::inputs_of_answers(const Molecule& molecule) const {
  const size_t answers = read_columns_.empty() ? 1 : molecule.rows.size();
  std::vector<std::vector<float>> all;
  for (size_t i = 0; i < answers; ++i) all.push_back(inputs(molecule.rows[i]));
  return all;
}

bool Batch::lacks_input(size_t row) const {
  const std::vector<float> values = inputs(row);
  return std::any_of(values.begin(), values.end(), [](float v) { return std::isnan(v); });
}

}  // namespace molrt
