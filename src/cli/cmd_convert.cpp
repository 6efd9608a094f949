// molrt convert: any weights that can be opened, as molrt's own container.
#include <fmt/format.h>

#include <filesystem>
#include <memory>

#include "base/error.h"
#include "cli/commands.h"
#include "cli/official_files.h"
#include "cli/output.h"
#include "cli/run_facts.h"
#include "cli/session.h"
#include "cli/signals.h"
#include "cli/tally.h"

namespace molrt::cli {
namespace {

struct ConvertOptions {
  std::string input, output, dtype = "keep";
  OpenOptions open;
  ReportOptions report;
  bool unverified = false, list = false;
  const CLI::App* command = nullptr;
};

// Before the weights are read: of a file that was cut off, that is what is to be said.
Json verify(const ConvertOptions& options, Progress& progress) {
  if (options.unverified) check_claims_to_be_official(options.input);
  std::error_code cannot_tell;
  if (options.unverified || std::filesystem::is_directory(options.input, cannot_tell)) return {};
  Json identity = verify_official(options.input);
  if (identity["verified"].get<bool>())
    progress.say(fmt::format("{}: verified: sha256 {} of {}", options.input,
                             identity["sha256"].get<std::string>(),
                             identity["official"].get<std::string>()));
  return identity;
}

void check_list_is_alone(const CLI::App& command) {
  for (const auto* option : command.get_options()) {
    const auto name = option->get_name();
    if (option->count() > 0 && name != "--list" && name != "--json")
      fail(MOLRT_ERROR_INVALID_ARGUMENT, "--list: nothing is converted; it takes no {}", name);
  }
}

void convert(const ConvertOptions& options) {
  if (options.list) {
    check_list_is_alone(*options.command);
    return list_official(options.report.json);
  }
  std::error_code not_both;  // in place is meant
  if (!std::filesystem::equivalent(options.input, options.output, not_both))
    check_output_is_no_input(*options.command, options.output);
  check_model_output(options.output);
  Progress progress(options.report);
  const Json identity = verify(options, progress);
  const auto context = make_context(1, progress);
  const auto model = open_model(context.get(), options.input, options.open);
  check_signals();
  save_model(context.get(), model.get(), options.output, dtypes.at(options.dtype));
  const auto read = model_info(model.get()).bytes_read;
  progress.say(fmt::format("{}: {}; {} bytes read of {}", options.output, one_line(model.get()),
                           read, options.input));
  if (!options.report.json) return;
  print_json({{"output", options.output},
              {"bytes_read", read},
              {"verification", identity},
              {"model", nlohmann::ordered_json::parse(describe(model.get()))}},
             false);
}

void add_list_option(CLI::App& command, ConvertOptions& options,
                     std::initializer_list<CLI::Option*> required) {
  const auto list_only = [&options, required = std::vector(required)] {
    options.list = true;
    for (CLI::Option* option : required) option->required(false);
  };
  command.add_flag_callback(
      "--list", list_only,
      "Tell of Uni-Mol's official weight files: where to download them, their sizes and sha256, "
      "what they were trained with. Alone or with --json");
}

}  // namespace

Command convert_command(CLI::App& app) {
  auto* command = app.add_subcommand("convert", "Uni-Mol weights into molrt's own file");
  auto options = std::make_shared<ConvertOptions>();
  options->command = command;
  auto* input = command
                    ->add_option("input", options->input,
                                 "Weights: .pt, .pth, molrt's own, a directory saved by "
                                 "unimol_tools, or molecule or oled, which come with molrt")
                    ->required()
                    ->transform(model_path)
                    ->type_name("FILE");
  auto* output = command->add_option("-o,--output", options->output, "The file to write")
                     ->required()
                     ->type_name("FILE");
  add_dtype_option(*command, options->dtype);
  command->add_flag("--unverified", options->unverified,
                    "Go on with a file that has the name of an official one but not its size or "
                    "sha256, which is an error without this");
  add_open_options(*command, options->open);
  add_list_option(*command, *options, {input, output});
  add_report_options(*command, options->report);
  return {command, [options] { convert(*options); }};
}

}  // namespace molrt::cli
