// molrt finetune: a head on the representations of given weights, or the whole network.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <memory>
#include <optional>
#include <thread>

#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/input.h"
#include "cli/output.h"
#include "cli/run_facts.h"
#include "cli/run_outline.h"
#include "cli/session.h"
#include "cli/settings_flags.h"
#include "cli/signals.h"
#include "cli/tally.h"
#include "cli/training_checkpoint.h"
#include "cli/training_columns.h"
#include "cli/training_report.h"

namespace molrt::cli {
namespace {

struct FinetuneOptions {
  const CLI::App* command = nullptr;
  std::string weights, output, html;
  std::vector<std::string> targets, input_columns, units;
  InputOptions input;
  OpenOptions open;
  ConformerOptions conformers;
  RunOptions run;
  ReportOptions report;
  bool resume = false;
  TrainingColumnOptions columns;
  SettingsFlags flags;
};

// What was measured of a table's molecules, which are the rows of a batch.
struct TrainingTable {
  std::vector<std::string> targets;
  std::vector<std::string> smiles, places, problems;  // [rows]; as for Tally
  std::vector<double> values;                         // [rows, targets]; NaN: no value
  std::vector<std::string> columns;                   // that the head reads
  std::vector<double> inputs;                         // [rows, columns]; likewise
  RecordCounts counts;
};

double label(const InputTable& table, const Record& record, size_t column) {
  if (!record.problem.empty()) return std::numeric_limits<double>::quiet_NaN();
  const auto& cell = record.fields[column];
  const auto value = table.number(record, column);
  const bool too_large = value && std::abs(*value) > std::numeric_limits<float>::max();
  if (value && !too_large) return *value;
  fail(MOLRT_ERROR_DATA, "{}: row {} (line {}), column '{}': '{:.60}' is {}", table.name(),
       record.row, record.line, table.header()[column], cell,
       too_large ? "too large: float32 ends at 3.4e38"
       : cell.find(',') != std::string::npos
           ? "no number; with a decimal comma say --decimal-comma"
           : "no number (a missing value is an empty cell, NaN, NA or N/A)");
}

// The model's name for a column, which may have been asked for by its position.
std::string target_name(const InputTable& table, size_t column) {
  const std::string name(trim(table.header()[column]));
  if (name.empty()) return fmt::format("column_{}", column + 1);
  if (is_utf8(name)) return name;
  fail(MOLRT_ERROR_FORMAT, "{}: the column name {} is not UTF-8; say its --encoding", table.name(),
       in_quotes(name));
}

// The columns' places; their names go to `names`.
std::vector<size_t> find_columns(const InputTable& table, const std::vector<std::string>& asked,
                                 std::vector<std::string>& names) {
  std::vector<size_t> columns;
  for (const auto& column : asked) {
    columns.push_back(table.column(column));
    names.push_back(target_name(table, columns.back()));
  }
  return columns;
}

TrainingTable read_table(InputTable& table, const FinetuneOptions& options, TrainingColumns& beside,
                         molrt_batch* batch) {
  TrainingTable data;
  const auto columns = find_columns(table, options.targets, data.targets);
  const auto inputs = find_columns(table, options.input_columns, data.columns);
  for (Record record; table.next(record); check_signals()) {
    table.add_to(batch, record);
    data.smiles.push_back(table.smiles(record));
    data.places.push_back(fmt::format("row {} (line {})", record.row, record.line));
    data.problems.push_back(record.problem);
    for (const size_t column : columns) data.values.push_back(label(table, record, column));
    for (const size_t column : inputs) data.inputs.push_back(label(table, record, column));
    beside.read(table, record);
  }
  data.counts = table.counts();
  if (data.smiles.empty()) fail(MOLRT_ERROR_DATA, "{} has no rows", table.name());
  return data;
}

void check_distinct(const char* flag, const std::vector<std::string>& columns) {
  for (auto column = columns.begin(); column != columns.end(); ++column) {
    if (std::find(columns.begin(), column, *column) != column) {
      fail(MOLRT_ERROR_INVALID_ARGUMENT, "{} {} is given twice", flag, *column);
    }
  }
}

void check_conformers(int count) {
  constexpr int most = 64;  // molrt_job_create's
  if (count > most)
    fail(MOLRT_ERROR_INVALID_ARGUMENT,
         "--conformers {}: training takes at most {} conformers a molecule", count, most);
}

void check_columns(const TrainingTable& data) {
  check_distinct("--target", data.targets);
  check_distinct("--input-column", data.columns);
  for (const auto& column : data.columns) {
    if (std::find(data.targets.begin(), data.targets.end(), column) != data.targets.end()) {
      fail(MOLRT_ERROR_INVALID_ARGUMENT, "--input-column {} is a --target too", column);
    }
  }
}

std::vector<const char*> addresses(const std::vector<std::string>& texts) {
  std::vector<const char*> addresses;
  for (const auto& text : texts) addresses.push_back(text.c_str());
  return addresses;
}

void check_split_output(const FinetuneOptions& options) {
  const auto& path = options.columns.save_split;
  if (path.empty()) return;
  check_output_is_no_input(*options.command, path);
  if (path == options.output)
    fail(MOLRT_ERROR_INVALID_ARGUMENT, "--save-split {}: is where the model goes", path);
  find_write_target(path);
}

void check_units(size_t units, size_t targets) {
  if (units == 0 || units == targets) return;
  fail(MOLRT_ERROR_INVALID_ARGUMENT,
       "--unit is given {} time{}, --target {}: give one for each target, in the same order (\"\" "
       "where there is none)",
       units, units == 1 ? "" : "s", targets);
}

class Finetuning {
 public:
  explicit Finetuning(const FinetuneOptions& options)
      : options_(options), settings_(options.flags.settings()), progress_(options.report) {
    check_output_is_no_input(*options.command, options.output);
    check_model_output(options.output);
    check_html();
    file_existed_ = std::filesystem::exists(options.output);
    check_split_output(options);
    check_conformers(options.conformers.count);
    InputTable table(options.input);
    context_ = make_context(options.run.threads, progress_);
    batch_ = make_batch(context_.get(), options.conformers);
    columns_.emplace(options.columns, table);
    data_ = read_table(table, options, *columns_, batch_.get());
    check_columns(data_);
    check(molrt_batch_set_columns(batch_.get(), addresses(data_.columns).data(),
                                  data_.inputs.data(), data_.smiles.size(), data_.columns.size()));
    check_units(options.units.size(), data_.targets.size());
    progress_.set_rows(data_.smiles.size());
    progress_.begin_window(0, data_.smiles.size(), 0);
    base_ = open_model(context_.get(), options.weights, options.open);
  }

  void run() {
    say_what_runs();
    make_job();
    const TrainingCheckpoint checkpoint(job_.get(), options_.output, options_.resume, progress_);
    const auto run = run_options(options_.run, progress_);
    const int32_t status = molrt_job_run(job_.get(), &run);
    if (status == MOLRT_ERROR_DATA) fail_with_rows(molrt_last_error());
    if (status == MOLRT_ERROR_CANCELLED) stop(checkpoint);
    check(status);
    save_or_keep(checkpoint);
    checkpoint.remove();
    report();
  }

 private:
  void check_html() const {
    const std::string& html = options_.html;
    if (html.empty()) return;
    if (html == "-") fail(MOLRT_ERROR_INVALID_ARGUMENT, "--report -: goes to a file; name one");
    check_output_is_no_input(*options_.command, html);
    if (is_same_file(html, options_.output))
      fail(MOLRT_ERROR_INVALID_ARGUMENT, "{}: --report and --output are the same file", html);
    check_file_output(html);
  }

  void say_what_runs() {
    const int threads = options_.run.threads
                            ? options_.run.threads
                            : static_cast<int>(std::thread::hardware_concurrency());
    progress_.say(fmt::format("{}: {}; CPU, {} thread{}", options_.weights, one_line(base_.get()),
                              threads, threads == 1 ? "" : "s"));
    progress_.say(fmt::format("{}: {} rows", options_.input.path, data_.smiles.size()));
    for (const auto& line : data_lines(data_.targets, data_.values)) progress_.say("  " + line);
  }

  void make_job() {
    const auto names = addresses(data_.targets);
    molrt_job* job = nullptr;
    check(molrt_job_create(context_.get(), base_.get(), batch_.get(), data_.values.data(),
                           names.size(), names.data(), settings_.get(), &job));
    job_.reset(job);
    check(molrt_job_set_title(job, title().c_str()));
    columns_->give_to(job);
    for (size_t i = 0; i < options_.units.size(); ++i)
      check(molrt_job_set_unit(job, static_cast<int32_t>(i), options_.units[i].c_str()));
    batch_.reset();  // the job has a copy
    for (const auto& line : settings_lines(job_.get())) progress_.say(line);
  }

  std::string title() const {
    std::string names;
    for (const auto& target : data_.targets) names += (names.empty() ? "" : ", ") + target;
    const auto file = std::filesystem::path(options_.input.path).filename().string();
    return fmt::format("{} from {}", names, options_.input.path == "-" ? "standard input" : file);
  }

  // Whether the job got as far as to look at them.
  bool has_molecules() const {
    for (size_t i = 0; i < data_.smiles.size(); ++i)
      if (data_.problems[i].empty()) return row_of(i).status != MOLRT_ROW_PENDING;
    return true;
  }

  [[noreturn]] void fail_with_rows(const std::string& reason) {
    if (has_molecules()) tally().print(progress_, "represented");
    throw Error(MOLRT_ERROR_DATA, reason);
  }

  // Leaves the best model so far: where an older one stands, beside it.
  [[noreturn]] void stop(const TrainingCheckpoint& checkpoint) {
    const std::string goes_on = checkpoint.what_resumes();
    molrt_model* trained = nullptr;
    if (molrt_job_get_model(job_.get(), &trained) != MOLRT_OK)
      throw Stopped("interrupted before the first epoch was over" + goes_on);
    molrt_model_free(trained);
    const std::string path = file_existed_ ? options_.output + ".partial" : options_.output;
    save(path);
    throw Stopped(fmt::format("interrupted; {} is the best model so far{}", path, goes_on));
  }

  // A signal comes too late here: what is left takes a moment.
  void save_or_keep(const TrainingCheckpoint& checkpoint) {
    try {
      save(options_.output);
    } catch (const Error& error) {
      throw Error(error.status(), error.what() + checkpoint.what_resumes());
    }
  }

  void save(const std::string& path) {
    molrt_model* trained = nullptr;
    check(molrt_job_get_model(job_.get(), &trained));
    const Model model(trained);
    save_model(context_.get(), model.get(), path, MOLRT_DTYPE_KEEP);
    const auto& split = options_.columns.save_split;
    if (!split.empty()) save_split(job_.get(), data_.smiles.size(), split);
    if (!options_.html.empty()) save_html(path == options_.output);
  }

  // Of a run that was stopped beside an older model: beside its report.
  void save_html(bool whole) {
    const auto html = read_text([&](char* buffer, size_t capacity, size_t* needed) {
      return molrt_job_get_html(job_.get(), buffer, capacity, needed);
    });
    AtomicFile file(whole ? options_.html : options_.html + ".partial");
    file.write(html.data(), html.size());
    file.commit();
  }

  molrt_row row_of(size_t i) const {
    molrt_row row;
    check(molrt_row_init(&row, sizeof row));
    check(molrt_job_get_row(job_.get(), i, &row));
    return row;
  }

  Tally tally() const {
    Tally tally;
    tally.set_counts(data_.counts);
    for (size_t i = 0; i < data_.smiles.size(); ++i) {
      if (!data_.problems[i].empty()) {
        tally.add_bad_row(data_.places[i], data_.problems[i]);
        continue;
      }
      tally.add(row_of(i), data_.places[i], data_.smiles[i], molrt_job_row_message(job_.get(), i));
    }
    return tally;
  }

  void report() {
    const auto text = read_text([&](char* buffer, size_t capacity, size_t* needed) {
      return molrt_job_get_report(job_.get(), buffer, capacity, needed);
    });
    auto json = nlohmann::ordered_json::parse(text);
    const auto rows = tally();
    rows.print(progress_, "represented");
    for (const auto& line : training_summary(json)) progress_.say(line);
    progress_.say(fmt::format("wrote {}{}", options_.output,
                              options_.html.empty() ? "" : ", and the report " + options_.html));
    progress_.say(fmt::format("next: molrt predict --model {} MOLECULES.csv -o predicted.csv",
                              options_.output));
    if (!options_.report.json) return;
    json["molecules"] = rows.json();
    json["model"] = options_.output;
    if (!options_.html.empty()) json["html"] = options_.html;
    json["seconds"] = progress_.seconds();
    print_json(json, false);
  }

  const FinetuneOptions& options_;
  bool file_existed_ = false;
  Settings settings_;
  Progress progress_;
  TrainingTable data_;
  std::optional<TrainingColumns> columns_;
  Context context_;
  Batch batch_;
  Model base_;
  Job job_;
};

}  // namespace

Command finetune_command(CLI::App& app) {
  auto* command = app.add_subcommand(
      "finetune", "Fit a model to measured values: a head on given weights, or the whole network");
  auto options = std::make_shared<FinetuneOptions>();
  options->command = command;
  command->add_option("-w,--weights", options->weights, "Weights: .pt, .pth or molrt's own")
      ->required()
      ->type_name("FILE");
  add_input_options(*command, options->input);
  add_decimal_comma_option(*command, options->input);
  command
      ->add_option("-t,--target", options->targets,
                   "Column of measured numbers, by name or position (#2); once for each target. An "
                   "empty cell, NaN, NA or "
                   "N/A is no value")
      ->required()
      ->expected(1)  // at a time
      ->allow_extra_args(false)
      ->take_all()
      ->type_name("COLUMN");
  command
      ->add_option(
          "--input-column", options->input_columns,
          "Column of numbers that the head reads beside the molecule, such as a "
          "temperature, by name or position; once for each. predict needs it too. An empty "
          "cell counts as the training rows' mean")
      ->expected(1)
      ->allow_extra_args(false)
      ->take_all()
      ->type_name("COLUMN");
  command
      ->add_option("--unit", options->units,
                   "Unit of the target, such as kcal/mol, which the model stores; once for each "
                   "--target, in the same order")
      ->expected(1)
      ->allow_extra_args(false)
      ->take_all()
      ->type_name("TEXT");
  command->add_option("-o,--output", options->output, "The model to write")
      ->required()
      ->type_name("FILE");
  command
      ->add_option("--report", options->html,
                   "A page for the browser to write: metrics in words, learning curves, measured "
                   "against predicted values, the worst molecules, settings and provenance")
      ->type_name("FILE.html");
  add_threads_option(*command, options->run);
  command->add_flag("--crop", options->run.crop,
                    "A molecule over the limit of atoms loses its last ones instead of failing");
  command->add_flag(
      "--resume", options->resume,
      "Go on with what a killed or interrupted run has left in OUTPUT.checkpoint: ends "
      "in the same model as a run that was never stopped");
  add_report_options(*command, options->report);
  add_training_column_options(*command, options->columns);
  options->flags.add_to(*command);
  add_open_options(*command, options->open);
  add_conformer_options(*command, options->conformers);
  add_sampling_options(*command, options->conformers);
  command->footer(
      "Rows without a usable molecule or without any value are left out and counted.\n"
      "--json prints the run's report on stdout.");
  return {command, [options] { Finetuning(*options).run(); }};
}

}  // namespace molrt::cli
