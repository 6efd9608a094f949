// molrt init: an untrained model of any size, for tests and benchmarks.
#include <fmt/format.h>

#include <memory>

#include "cli/architecture_options.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/session.h"
#include "cli/signals.h"
#include "cli/tally.h"

namespace molrt::cli {
namespace {

struct InitOptions {
  std::string output;
  ArchitectureOptions architecture;
  uint64_t seed = 0;
  ReportOptions report;
};

void init(const InitOptions& options) {
  check_model_output(options.output);
  Progress progress(options.report);
  const auto context = make_context(1, progress);
  const Model model = untrained_model(context.get(), options.architecture, options.seed);
  check_signals();
  save_model(context.get(), model.get(), options.output, MOLRT_DTYPE_KEEP);
  progress.say(fmt::format("{}: {}; untrained", options.output, one_line(model.get())));
  if (!options.report.json) return;
  print_json(
      {{"output", options.output}, {"model", nlohmann::ordered_json::parse(describe(model.get()))}},
      false);
}

}  // namespace

Command init_command(CLI::App& app) {
  auto* command = app.add_subcommand("init", "An untrained model of any size");
  auto options = std::make_shared<InitOptions>();
  command->add_option("-o,--output", options->output, "The file to write")
      ->required()
      ->type_name("FILE");
  command->add_option("--seed", options->seed, "The same seed and sizes give the same bytes")
      ->check(whole_from(uint64_t{0}))
      ->type_name("N")
      ->capture_default_str();
  add_architecture_options(*command, options->architecture);
  add_report_options(*command, options->report);
  return {command, [options] { init(*options); }};
}

}  // namespace molrt::cli
