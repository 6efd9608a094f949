// molrt convert: any weights that can be opened, as molrt's own container.
#include <fmt/format.h>

#include <filesystem>
#include <memory>

#include "cli/commands.h"
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
  const CLI::App* command = nullptr;
};

void convert(const ConvertOptions& options) {
  std::error_code not_both;  // in place is meant
  if (!std::filesystem::equivalent(options.input, options.output, not_both))
    check_output_is_no_input(*options.command, options.output);
  check_model_output(options.output);
  Progress progress(options.report);
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
              {"model", nlohmann::ordered_json::parse(describe(model.get()))}},
             false);
}

}  // namespace

Command convert_command(CLI::App& app) {
  auto* command = app.add_subcommand("convert", "Uni-Mol weights into molrt's own file");
  auto options = std::make_shared<ConvertOptions>();
  options->command = command;
  command
      ->add_option("input", options->input,
                   "Weights: .pt, .pth, molrt's own, or a directory saved by "
                   "unimol_tools")
      ->required()
      ->type_name("FILE");
  command->add_option("-o,--output", options->output, "The file to write")
      ->required()
      ->type_name("FILE");
  add_dtype_option(*command, options->dtype);
  add_report_options(*command, options->report);
  add_open_options(*command, options->open);
  return {command, [options] { convert(*options); }};
}

}  // namespace molrt::cli
