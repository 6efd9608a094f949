#include "cli/finetune_options.h"

#include <fmt/format.h>

#include "base/error.h"
#include "cli/output.h"

namespace molrt::cli {
namespace {

void check_conformers(int count) {
  constexpr int most = 64;  // molrt_job_create's
  if (count > most)
    fail(MOLRT_ERROR_INVALID_ARGUMENT,
         "--conformers {}: training takes at most {} conformers a molecule", count, most);
}

void check_split_output(const FinetuneOptions& options) {
  const auto& path = options.columns.save_split;
  if (path.empty()) return;
  check_output_is_no_input(*options.command, path);
  if (path == options.output)
    fail(MOLRT_ERROR_INVALID_ARGUMENT, "--save-split {}: is where the model goes", path);
  find_write_target(path);
}

void check_units(const FinetuneOptions& options) {
  const size_t units = options.units.size(), targets = options.targets.size();
  if (units == 0 || units == targets) return;
  fail(MOLRT_ERROR_INVALID_ARGUMENT,
       "--unit is given {} time{}, --target {}: give one for each target, in the same order (\"\" "
       "where there is none)",
       units, units == 1 ? "" : "s", targets);
}

void add_columns(CLI::App& command, FinetuneOptions& options) {
  add_input_options(command, options.input);
  add_decimal_comma_option(command, options.input);
  repeatable(command.add_option(
                 "-t,--target", options.targets,
                 "Column of measured numbers, by name or position (#2); once for each target. An "
                 "empty cell, NaN, NA or N/A is no value"))
      ->required()
      ->type_name("COLUMN");
  repeatable(command.add_option(
                 "--input-column", options.input_columns,
                 "Column of numbers that the head reads beside the molecule, such as a "
                 "temperature, by name or position; once for each. predict needs it too. An empty "
                 "cell counts as the training rows' mean"))
      ->type_name("COLUMN");
  repeatable(command.add_option("--unit", options.units,
                                "Unit of the target, such as kcal/mol, which the model stores; "
                                "once for each --target, in the same order"))
      ->type_name("TEXT");
}

void add_unlabelled(CLI::App& command, FinetuneOptions& options) {
  command
      .add_option(
          "--rdrop-unlabeled,--rdrop-unlabelled", options.unlabelled,
          "Molecules without values, such as those to be predicted (a table as INPUT): with "
          "--rdrop-on 1 two passes over each are drawn together; see --rdrop-u-mode")
      ->check(CLI::ExistingFile)
      ->type_name("FILE");
}

void add_outputs(CLI::App& command, FinetuneOptions& options) {
  command.add_option("-o,--output", options.output, "The model to write")
      ->required()
      ->type_name("FILE");
  command
      .add_option("--report", options.html,
                  "A page for the browser to write: metrics in words, learning curves, measured "
                  "against predicted values, the worst molecules, settings and provenance")
      ->type_name("FILE.html");
}

void add_run(CLI::App& command, FinetuneOptions& options) {
  add_threads_option(command, options.run);
  command.add_flag("--crop", options.run.crop,
                   "A molecule over the limit of atoms loses its last ones instead of failing");
  command.add_flag(
      "--resume", options.resume,
      "Go on with what a killed or interrupted run has left in OUTPUT.checkpoint: ends "
      "in the same model as a run that was never stopped (conformers are made again)");
  add_report_options(command, options.report);
  add_training_column_options(command, options.columns);
  options.flags.add_to(command);
  add_open_options(command, options.open);
  add_conformer_options(command, options.conformers);
  add_sampling_options(command, options.conformers);
}

}  // namespace

void check_finetune_options(const FinetuneOptions& options) {
  check_output_is_no_input(*options.command, options.output);
  check_model_output(options.output);
  check_report_page(*options.command, options.html, options.output);
  check_split_output(options);
  check_conformers(options.conformers.count);
  check_units(options);
}

CLI::App* add_finetune_command(CLI::App& app, const std::shared_ptr<FinetuneOptions>& options) {
  auto* command = app.add_subcommand(
      "finetune", "Fit a model to measured values: a head on given weights, or the whole network");
  command
      ->add_option(
          "-w,--weights", options->weights,
          "Weights: .pt, .pth or molrt's own; molecule or oled: those that come with molrt")
      ->required()
      ->transform(model_path)
      ->type_name("FILE");
  add_columns(*command, *options);
  add_unlabelled(*command, *options);
  add_outputs(*command, *options);
  add_run(*command, *options);
  command->footer(
      "Rows without a usable molecule or without any value are left out and counted.\n"
      "--json prints the run's report on stdout.");
  return command;
}

}  // namespace molrt::cli
