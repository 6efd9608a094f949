#include "cli/pretrain_options.h"

#include <fmt/format.h>

#include "base/error.h"
#include "base/file.h"
#include "cli/output.h"
#include "cli/run_facts.h"

namespace molrt::cli {
namespace {

void check_start(const PretrainOptions& options) {
  if (options.weights.empty()) return;
  for (const CLI::Option* size : options.sizes)
    if (size->count() > 0 && size->get_name() != "--hydrogens" && size->get_name() != "--layout")
      fail(MOLRT_ERROR_INVALID_ARGUMENT, "{}: is of a new network, and --weights {} has its own",
           size->get_name(), options.weights);
}

void add_sources(CLI::App& command, PretrainOptions& options) {
  command
      .add_option("input", options.inputs,
                  "Molecules, any number of files: NumPy archives (.npz) of geometries, or tables "
                  "with SMILES (.csv, .smi, .sdf, also gzipped), whose conformers are made")
      ->required()
      ->check(CLI::ExistingFile)
      ->type_name("FILE");
  repeatable(command.add_option("-t,--target", options.targets,
                                "Numbers for a supervised head to learn: a column or an array of "
                                "this name, in at least one input; once for each target"))
      ->type_name("NAME");
  repeatable(
      command.add_option("--exclude", options.excluded,
                         "Table of molecules that stay out, in all their stereoisomers, such "
                         "as those to be tested on; once for each"))
      ->check(CLI::ExistingFile)
      ->type_name("FILE");
  command
      .add_option("--smiles", options.input.smiles,
                  "Column of the SMILES in all tables, by name or position (#2) [the only one, or "
                  "the one named like it]")
      ->type_name("COLUMN");
}

void add_start(CLI::App& command, PretrainOptions& options) {
  command
      .add_option("-w,--weights", options.weights,
                  "Go on with these: .pt, .pth or molrt's own; molecule or oled, which come with "
                  "molrt [a new network of the sizes below]")
      ->transform(model_path)
      ->type_name("FILE");
  options.sizes = add_architecture_options(command, options.architecture);
}

void add_outputs(CLI::App& command, PretrainOptions& options) {
  command.add_option("-o,--output", options.output, "The model to write")
      ->required()
      ->type_name("FILE");
  add_dtype_option(command, options.dtype);
  command.add_option("--report", options.html, "A page for the browser to write, with the curves")
      ->type_name("FILE.html");
  command.add_flag(
      "--resume", options.resume,
      "Go on with what a killed or interrupted run has left in OUTPUT.checkpoint: ends "
      "in the same model as a run that was never stopped");
}

}  // namespace

void check_pretrain_options(const PretrainOptions& options) {
  check_output_is_no_input(*options.command, options.output);
  check_model_output(options.output);
  check_report_page(*options.command, options.html, options.output);
  check_start(options);
}

CLI::App* add_pretrain_command(CLI::App& app, const std::shared_ptr<PretrainOptions>& options) {
  auto* command = app.add_subcommand(
      "pretrain", "An encoder from molecules without measured values, to fine-tune later");
  add_sources(*command, *options);
  add_start(*command, *options);
  add_outputs(*command, *options);
  add_threads_option(*command, options->run);
  add_report_options(*command, options->report);
  options->flags.add_to(*command);
  add_conformer_options(*command, options->conformers);
  add_sampling_options(*command, options->conformers);
  command->footer(
      "An archive has natoms [molecules], Z [atoms], xyz [atoms, 3] in Angstrom (or xyz_milli), "
      "and,\n"
      "where there are, smiles [molecules] and arrays of targets [molecules], NaN where not "
      "known.\n"
      "Of several conformers (--conformers, --flat-conformer) each step sees a random one.\n"
      "--json prints the run's report on stdout.");
  return command;
}

Model first_model(molrt_context* context, const PretrainOptions& options,
                  molrt_settings* settings) {
  int64_t seed = 0;
  check(molrt_settings_get_i64(settings, "seed", &seed));
  if (options.weights.empty())
    return untrained_model(context, options.architecture, static_cast<uint64_t>(seed));
  OpenOptions open;
  open.hydrogens = options.architecture.hydrogens;
  open.layout = options.architecture.layout;
  return open_model(context, options.weights, open);
}

std::vector<std::string> curve_end(const nlohmann::ordered_json& report) {
  std::vector<std::string> lines;
  const auto& history = report.at("history");
  for (const char* part : {"train", "held_out"}) {
    if (history.empty() || !history.back().contains(part)) continue;
    std::string line = part == std::string("train") ? "training:" : "held out:";
    for (const auto& [name, value] : history.back().at(part).items())
      line += fmt::format(" {} {:.4g},", name, value.get<double>());
    line.pop_back();
    lines.push_back(line);
  }
  return lines;
}

}  // namespace molrt::cli
