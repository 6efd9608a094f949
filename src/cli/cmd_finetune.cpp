// molrt finetune: a property head on the representations of given weights.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <memory>
#include <thread>

#include "base/error.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/input.h"
#include "cli/output.h"
#include "cli/session.h"
#include "cli/settings_flags.h"
#include "cli/signals.h"
#include "cli/tally.h"
#include "cli/training_report.h"

namespace molrt::cli {
namespace {

struct FinetuneOptions {
  std::string weights, output;
  std::vector<std::string> targets;
  InputOptions input;
  OpenOptions open;
  ConformerOptions conformers;
  RunOptions run;
  ReportOptions report;
  SettingsFlags flags;
};

// The molecules of a table and what was measured of them.
struct TrainingTable {
  std::vector<std::string> smiles, places;  // [rows]; places as in Tally::add
  std::vector<double> values;               // [rows, targets]; NaN: no value
  uint64_t short_rows = 0;                  // with fewer cells than the header
};

double label(const InputTable& table, const CsvRecord& record, size_t column) {
  const auto& cell = record.fields[column];
  const auto value = parse_number(cell);
  const bool too_large = value && std::abs(*value) > std::numeric_limits<float>::max();
  if (value && !too_large) return *value;
  fail(MOLRT_ERROR_DATA, "{}: row {} (line {}), column '{}': '{:.60}' is {}", table.name(),
       record.row, record.line, table.header()[column], cell,
       too_large ? "too large: float32 ends at 3.4e38"
                 : "no number (a missing value is an empty cell, NaN, NA or N/A)");
}

size_t target_column(const InputTable& table, const std::string& target) {
  const size_t column = table.column(target);
  if (is_utf8(target)) return column;
  fail(MOLRT_ERROR_FORMAT, "{}: the column name {} is not UTF-8; save the table as UTF-8",
       table.name(), in_quotes(target));
}

TrainingTable read_table(InputTable& table, const std::vector<std::string>& targets) {
  std::vector<size_t> columns;
  for (const auto& target : targets) columns.push_back(target_column(table, target));
  TrainingTable data;
  for (CsvRecord record; table.next(record); check_signals()) {
    data.smiles.push_back(table.smiles(record));
    data.places.push_back(fmt::format("row {} (line {})", record.row, record.line));
    for (const size_t column : columns) data.values.push_back(label(table, record, column));
  }
  data.short_rows = table.short_rows();
  if (data.smiles.empty()) fail(MOLRT_ERROR_DATA, "{} has no rows", table.name());
  return data;
}

void check_distinct(const std::vector<std::string>& targets) {
  for (auto target = targets.begin(); target != targets.end(); ++target) {
    if (std::find(targets.begin(), target, *target) != target) {
      fail(MOLRT_ERROR_INVALID_ARGUMENT, "--target {} is given twice", *target);
    }
  }
}

void check_output(const FinetuneOptions& options) {
  const auto& table = options.input.path == "-" ? "/dev/stdin" : options.input.path;
  std::error_code not_both;
  if (std::filesystem::equivalent(table, options.output, not_both)) {
    fail(MOLRT_ERROR_INVALID_ARGUMENT, "{}: is the training table; the model goes to another file",
         options.output);
  }
  check_model_output(options.output);
}

class Finetuning {
 public:
  explicit Finetuning(const FinetuneOptions& options)
      : options_(options), settings_(options.flags.settings()), progress_(options.report) {
    check_distinct(options.targets);
    check_output(options);
    InputTable table(options.input);
    data_ = read_table(table, options.targets);
    progress_.set_rows(data_.smiles.size());
    progress_.begin_window(0, data_.smiles.size());
    context_ = make_context(options.run.threads, progress_);
    base_ = open_model(context_.get(), options.weights, options.open);
  }

  void run() {
    say_what_runs();
    make_job();
    const auto run = run_options(options_.run, progress_);
    const int32_t status = molrt_job_run(job_.get(), &run);
    if (status == MOLRT_ERROR_DATA) fail_with_rows(molrt_last_error());
    check(status);
    save();
    report();
  }

 private:
  void say_what_runs() {
    const int threads = options_.run.threads
                            ? options_.run.threads
                            : static_cast<int>(std::thread::hardware_concurrency());
    progress_.say(fmt::format("{}: {}; CPU, {} thread{}", options_.weights, one_line(base_.get()),
                              threads, threads == 1 ? "" : "s"));
  }

  void make_job() {
    const auto batch = make_batch(context_.get(), options_.conformers);
    for (const auto& smiles : data_.smiles)
      check(molrt_batch_add_smiles(batch.get(), smiles.c_str()));
    std::vector<const char*> names;
    for (const auto& target : options_.targets) names.push_back(target.c_str());
    molrt_job* job = nullptr;
    check(molrt_job_create(context_.get(), base_.get(), batch.get(), data_.values.data(),
                           names.size(), names.data(), settings_.get(), &job));
    job_.reset(job);
  }

  [[noreturn]] void fail_with_rows(const std::string& reason) {
    tally().print(progress_, "represented");
    throw Error(MOLRT_ERROR_DATA, reason);
  }

  void save() {
    check_signals();
    molrt_model* trained = nullptr;
    check(molrt_job_get_model(job_.get(), &trained));
    const Model model(trained);
    save_model(context_.get(), model.get(), options_.output, MOLRT_DTYPE_KEEP);
  }

  Tally tally() const {
    Tally tally;
    tally.set_short_rows(data_.short_rows);
    for (size_t i = 0; i < data_.smiles.size(); ++i) {
      molrt_row row;
      check(molrt_row_init(&row, sizeof row));
      check(molrt_job_get_row(job_.get(), i, &row));
      tally.add(row, data_.places[i], data_.smiles[i], molrt_job_row_message(job_.get(), i));
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
    progress_.say(fmt::format("wrote {}", options_.output));
    if (!options_.report.json) return;
    json["molecules"] = rows.json();
    json["model"] = options_.output;
    json["seconds"] = progress_.seconds();
    print_json(json, false);
  }

  const FinetuneOptions& options_;
  Settings settings_;
  Progress progress_;
  TrainingTable data_;
  Context context_;
  Model base_;
  Job job_;
};

}  // namespace

Command finetune_command(CLI::App& app) {
  auto* command = app.add_subcommand("finetune", "Train a property head on measured values");
  auto options = std::make_shared<FinetuneOptions>();
  command->add_option("-w,--weights", options->weights, "Weights: .pt, .pth or molrt's own")
      ->required()
      ->type_name("FILE");
  add_input_options(*command, options->input);
  command
      ->add_option("-t,--target", options->targets,
                   "Column of measured numbers; once for each target. An empty cell, NaN, NA or "
                   "N/A is no value")
      ->required()
      ->expected(1)  // at a time
      ->allow_extra_args(false)
      ->take_all()
      ->type_name("COLUMN");
  command->add_option("-o,--output", options->output, "The model to write")
      ->required()
      ->type_name("FILE");
  add_threads_option(*command, options->run);
  command->add_flag("--crop", options->run.crop,
                    "A molecule over the limit of atoms loses its last ones instead of failing");
  add_report_options(*command, options->report);
  options->flags.add_to(*command);
  add_open_options(*command, options->open);
  add_conformer_options(*command, options->conformers);
  command->footer(
      "Rows without a usable molecule or without any value are left out and counted.\n"
      "--json prints the run's report on stdout.");
  return {command, [options] { Finetuning(*options).run(); }};
}

}  // namespace molrt::cli
