// molrt conformers: the conformers of a table's molecules, without a model.
#include <fmt/format.h>

#include <memory>
#include <optional>

#include "base/error.h"
#include "cli/commands.h"
#include "cli/conformer_cache.h"
#include "cli/results.h"
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

struct SdfResults {
  void flush() {}
};

class Conformers {
 public:
  explicit Conformers(const ConformersOptions& options)
      : options_(options),
        format_(checked_format(options)),
        progress_(options.report),
        table_(options.input),
        output_(options.output, format_, progress_),
        context_(make_context(options.run.threads, options.conformers, progress_)) {
    if (!options.name.empty()) name_column_ = table_.column(options.name);
  }

  void run() {
    if (format_ == "sdf") {
      run_with(SdfResults());
    } else if (format_ == "safetensors") {
      run_with(make_arrays());
    } else {
      run_with(ResultTable(output_, format_, false, table_.header(), added_columns()));
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
    auto names = molecule_columns(table_);
    names.push_back("atoms");
    if (several()) names.push_back("conformers");
    names.insert(names.end(), {"status", "flags"});
    return names;
  }

  void run_with(auto results) {
    warn_without_header(context_.get(), table_, progress_);
    const auto batch = make_batch(context_.get(), options_.conformers);
    const auto work = [&](Window& window) {
      const auto run = run_options(options_.run, progress_);
      check(molrt_batch_compute_conformers(context_.get(), window.batch, &run));
      for (size_t row = 0; row < window.records.size(); ++row) write(results, window, row);
    };
    for_each_window(
        {table_, batch.get(), output_, progress_, tally_, work, [&] { results.flush(); }});
    finish(results);
  }

  ResultArrays make_arrays() const {
    ResultArrays results(options_.output.path);
    results.declare("coordinates", Dtype::f32, {3});
    for (const auto* name :
         {"atomic_numbers", "input_index", "offsets", "status", "source", "flags"})
      results.declare(name, Dtype::i64);
    if (several()) results.declare("conformers", Dtype::i64);
    results.add("offsets", int64_t{0});
    return results;
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
    auto added = molecule_cells(table_, window, row);
    added.push_back(fmt::format("{}", info.conformer_atoms));
    if (several()) added.push_back(fmt::format("{}", info.conformers));
    added.insert(added.end(), {window.status(row), window.flags(row)});
    results.add(window.records[row].fields, added);
  }

  void write(ResultArrays& results, Window& window, size_t row) {
    const auto info = get_row(window.batch, row);
    for (int32_t k = 0; k < info.conformers; ++k)
      add_conformer(results, window, row, k, info.conformer_atoms);
    results.add("offsets", atoms_written_);
    results.add("status", info.status);
    results.add("source", info.source);
    results.add("flags", info.flags);
    if (several()) results.add("conformers", info.conformers);
  }

  void add_conformer(ResultArrays& results, const Window& window, size_t row, int32_t conformer,
                     size_t atoms) {
    std::vector<int32_t> numbers(atoms), index(atoms);
    std::vector<float> coordinates(3 * atoms);
    check(molrt_batch_get_conformer(window.batch, row, conformer, numbers.data(),
                                    coordinates.data(), index.data(), atoms));
    results.add("coordinates", coordinates.data(), coordinates.size());
    for (const int32_t number : numbers) results.add("atomic_numbers", number);
    for (const int32_t atom : index) results.add("input_index", atom);
    atoms_written_ += static_cast<int64_t>(atoms);
  }

  void finish(SdfResults&) {}

  void finish(ResultTable& results) { results.finish(); }

  void finish(ResultArrays& results) { results.write(output_); }

  void report() {
    tally_.print(progress_, "with a conformer");
    say_conformers(context_.get(), progress_);
    if (!options_.report.json) return;
    auto json = tally_.json();
    add_conformers(context_.get(), json);
    json["seconds"] = progress_.seconds();
    print_json(json, output_.is_stdout());
  }

  const ConformersOptions& options_;
  std::string format_;
  Progress progress_;
  InputTable table_;
  std::optional<size_t> name_column_;
  Output output_;
  Context context_;
  Tally tally_;
  int64_t atoms_written_ = 0;
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
