// molrt init: an untrained model of any size, for tests and benchmarks.
#include <fmt/format.h>

#include <memory>

#include "cli/commands.h"
#include "cli/output.h"
#include "cli/session.h"
#include "cli/signals.h"
#include "cli/tally.h"

namespace molrt::cli {
namespace {

struct InitOptions {
  std::string output, arch = "molecule", hydrogens = "auto", layout = "auto";
  int layers = 0, width = 0, ffn = 0, heads = 0;
  uint64_t seed = 0;
  ReportOptions report;
};

molrt_architecture architecture(const InitOptions& options) {
  molrt_architecture architecture;
  check(molrt_architecture_init(&architecture, sizeof architecture));
  architecture.kernel = options.arch == "oled" ? MOLRT_KERNEL_LINEAR : MOLRT_KERNEL_GAUSSIAN;
  architecture.layers = options.layers;
  architecture.width = options.width;
  architecture.ffn = options.ffn;
  architecture.heads = options.heads;
  architecture.hydrogens = hydrogens_code(options.hydrogens);
  architecture.layout = layout_code(options.layout);
  architecture.seed = options.seed;
  return architecture;
}

void init(const InitOptions& options) {
  check_model_output(options.output);
  Progress progress(options.report);
  const auto context = make_context(1, progress);
  const auto sizes = architecture(options);
  molrt_model* created = nullptr;
  check(molrt_model_create_untrained(context.get(), &sizes, &created));
  const Model model(created);
  check_signals();
  save_model(context.get(), model.get(), options.output, MOLRT_DTYPE_KEEP);
  progress.say(fmt::format("{}: {}; untrained", options.output, one_line(model.get())));
  if (!options.report.json) return;
  print_json(
      {{"output", options.output}, {"model", nlohmann::ordered_json::parse(describe(model.get()))}},
      false);
}

void add_size(CLI::App& command, const std::string& name, int& value, const std::string& help) {
  command.add_option(name, value, help)->check(whole_from(1))->type_name("N")->group("Sizes");
}

}  // namespace

Command init_command(CLI::App& app) {
  auto* command = app.add_subcommand("init", "An untrained model of any size");
  auto options = std::make_shared<InitOptions>();
  command->add_option("-o,--output", options->output, "The file to write")
      ->required()
      ->type_name("FILE");
  command->add_option("--arch", options->arch, "Pair kernel, dictionary and official sizes")
      ->check(CLI::IsMember({"molecule", "oled"}).description(""))
      ->type_name("{molecule|oled}")
      ->capture_default_str();
  command->add_option("--seed", options->seed, "The same seed and sizes give the same bytes")
      ->check(whole_from(uint64_t{0}))
      ->type_name("N")
      ->capture_default_str();
  add_hydrogens_option(*command, options->hydrogens);
  add_layout_option(*command, options->layout);
  add_size(*command, "--layers", options->layers, "[15 molecule, 8 oled]");
  add_size(*command, "--width", options->width, "A multiple of the heads [512]");
  add_size(*command, "--ffn", options->ffn, "[2048]");
  add_size(*command, "--heads", options->heads, "[64]");
  add_report_options(*command, options->report);
  return {command, [options] { init(*options); }};
}

}  // namespace molrt::cli
