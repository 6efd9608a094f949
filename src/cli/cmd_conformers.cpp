// molrt conformers: the conformers of a table's molecules, without a model.
#include <fmt/format.h>

#include <memory>
#include <optional>

#include "base/error.h"
#include "cli/arrays.h"
#include "cli/commands.h"
#include "cli/windows.h"

namespace molrt::cli {
namespace {

constexpr const char* formats = "sdf csv tsv safetensors";

struct ConformersOptions {
  InputOptions input;
  OutputOptions output;
  std::string name;  // column of the titles; empty: row numbers
  ConformerOptions conformers;
  RunOptions run;
  ReportOptions report;
};

struct SdfResults {};

// In memory until the end, as safetensors' header tells all sizes.
struct ArrayResults {
  std::vector<float> coordinates;
  std::vector<int64_t> atomic_numbers, input_index, offsets = {0}, status, source, flags,
                                                    conformers;
};

class Conformers {
 public:
  explicit Conformers(const ConformersOptions& options)
      : options_(options),
        format_(checked_format(options)),
        table_(options.input),
        output_(options.output.path),
        progress_(options.report),
        context_(make_context(options.run.threads, progress_)) {
    if (!options.name.empty()) name_column_ = table_.column(options.name);
  }

  void run() {
    if (format_ == "sdf") {
      run_with(SdfResults());
    } else if (format_ == "safetensors") {
      run_with(ArrayResults());
    } else {
      run_with(ResultTable(output_, format_, table_.header(), added_columns()));
    }
    output_.commit();
    report();
  }

 private:
  static std::string checked_format(const ConformersOptions& options) {
    const auto format = output_format(options.output, formats);
    if (!options.name.empty() && format != "sdf") {
      fail(MOLRT_ERROR_INVALID_ARGUMENT, "--name titles the records of an .sdf file; {} has none",
           format);
    }
    return format;
  }

  bool several() const { return options_.conformers.count > 1; }

  std::vector<std::string> added_columns() const {
    std::vector<std::string> names = {"atoms", "status", "flags"};
    if (several()) names.insert(names.begin() + 1, "conformers");
    return names;
  }

  void run_with(auto results) {
    warn_without_header(context_.get(), table_, progress_);
    const auto batch = make_batch(context_.get(), options_.conformers);
    for_each_window(table_, batch.get(), progress_, tally_, [&](Window& window) {
      const auto run = run_options(options_.run, progress_);
      check(molrt_batch_compute_conformers(context_.get(), window.batch, &run));
      for (size_t row = 0; row < window.records.size(); ++row) write(results, window, row);
    });
    finish(results);
  }

  void write(SdfResults&, Window& window, size_t row) {
    const auto info = get_row(window.batch, row);
    if (info.status != MOLRT_ROW_OK) return;
    const auto& record = window.records[row];
    const auto title =
        name_column_ ? one_line_title(record.fields[*name_column_]) : fmt::format("{}", record.row);
    for (int32_t k = 0; k < info.conformers; ++k) {
      const auto text = sdf_record(window, row, k, title);
      output_.write(text.data(), text.size());
    }
  }

  std::string sdf_record(const Window& window, size_t row, int32_t conformer,
                         const std::string& title) const {
    auto text = read_text([&](char* buffer, size_t capacity, size_t* needed) {
      return molrt_batch_get_sdf(window.batch, row, conformer, title.c_str(), buffer, capacity,
                                 needed);
    });
    const std::string end = "$$$$\n";
    if (several())
      text.insert(text.size() - end.size(), fmt::format("> <conformer>\n{}\n\n", conformer));
    return text;
  }

  static std::string one_line_title(std::string name) {
    for (char& c : name) {
      if (c == '\n' || c == '\r') c = ' ';
    }
    return name;
  }

  void write(ResultTable& results, Window& window, size_t row) {
    const auto info = get_row(window.batch, row);
    std::vector<std::string> added = {fmt::format("{}", info.conformer_atoms), row_status(info),
                                      row_flags(info)};
    if (several()) added.insert(added.begin() + 1, fmt::format("{}", info.conformers));
    results.add(window.records[row].fields, added);
  }

  void write(ArrayResults& results, Window& window, size_t row) {
    const auto info = get_row(window.batch, row);
    for (int32_t k = 0; k < info.conformers; ++k)
      add_conformer(results, window, row, k, info.conformer_atoms);
    results.offsets.push_back(static_cast<int64_t>(results.input_index.size()));
    results.status.push_back(info.status);
    results.source.push_back(info.source);
    results.flags.push_back(info.flags);
    results.conformers.push_back(info.conformers);
  }

  static void add_conformer(ArrayResults& results, const Window& window, size_t row,
                            int32_t conformer, size_t atoms) {
    std::vector<int32_t> numbers(atoms), index(atoms);
    std::vector<float> coordinates(3 * atoms);
    check(molrt_batch_get_conformer(window.batch, row, conformer, numbers.data(),
                                    coordinates.data(), index.data(), atoms));
    results.atomic_numbers.insert(results.atomic_numbers.end(), numbers.begin(), numbers.end());
    results.coordinates.insert(results.coordinates.end(), coordinates.begin(), coordinates.end());
    results.input_index.insert(results.input_index.end(), index.begin(), index.end());
  }

  void finish(SdfResults&) {}

  void finish(ResultTable& results) { results.finish(); }

  void finish(ArrayResults& results) {
    const auto atoms = static_cast<int64_t>(results.input_index.size());
    TensorMap tensors;
    tensors["coordinates"] = make_tensor({atoms, 3}, std::move(results.coordinates));
    tensors["atomic_numbers"] = integers(results.atomic_numbers);
    tensors["input_index"] = integers(results.input_index);
    tensors["offsets"] = integers(results.offsets);
    tensors["status"] = integers(results.status);
    tensors["source"] = integers(results.source);
    tensors["flags"] = integers(results.flags);
    if (several()) tensors["conformers"] = integers(results.conformers);
    write_arrays(output_, tensors);
  }

  void report() {
    tally_.print(progress_, "with a conformer");
    if (!options_.report.json) return;
    auto json = tally_.json();
    json["seconds"] = progress_.seconds();
    print_json(json, output_.is_stdout());
  }

  const ConformersOptions& options_;
  std::string format_;
  InputTable table_;
  std::optional<size_t> name_column_;
  Output output_;
  Progress progress_;
  Context context_;
  Tally tally_;
};

}  // namespace

Command conformers_command(CLI::App& app) {
  auto* command = app.add_subcommand("conformers", "3D structures of the molecules in a table");
  auto options = std::make_shared<ConformersOptions>();
  add_input_options(*command, options->input);
  add_output_options(*command, options->output, formats);
  command->add_option("--name", options->name, "Column of the records' titles [row numbers]")
      ->type_name("COLUMN");
  add_threads_option(*command, options->run);
  add_report_options(*command, options->report);
  add_conformer_options(*command, options->conformers);
  add_sampling_options(*command, options->conformers);
  command
      ->add_option("--max-atoms", options->conformers.max_atoms,
                   "Larger molecules fail as too_large [no limit]")
      ->check(whole_from(1))
      ->type_name("N")
      ->group("Conformers");
  command->footer(
      "sdf: a record for each conformer, hydrogens and bonds included; rows that failed have none: "
      "the\n"
      "titles tell which. With --conformers each record has its number, from 0, as property "
      "conformer.\n"
      "csv, tsv: a row for each input row: its own columns, atoms, with --conformers the number "
      "of\n"
      "conformers, status and flags.\n"
      "safetensors: coordinates [sum, 3] in Angstrom, atomic_numbers [sum], input_index [sum] "
      "(the\n"
      "atom's index in the SMILES, -1 for an added hydrogen), offsets [rows + 1] (row i's atoms "
      "are\n"
      "offsets[i] to offsets[i+1]); status, source and flags [rows], numbers as in molrt.h. With\n"
      "--conformers row i has conformers[i] of them one behind the other.");
  return {command, [options] { Conformers(*options).run(); }};
}

}  // namespace molrt::cli
